# Pin both to a digest in your build: `docker buildx imagetools inspect node:24-slim` tells it. A tag moves.
ARG NODE_IMAGE=node:24-slim

# The bundle, made where nothing of what makes it is kept: neither the packages nor the Node that npm brings.
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY scripts/node-guard.mjs scripts/build.ts scripts/notices.ts ./scripts/
COPY src ./src
RUN npm run -s build

FROM ${NODE_IMAGE}
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 STORE_URL=sqlite:/data/gateway.db
RUN mkdir /data && chown node:node /data
COPY package.json LICENSE ./
COPY scripts/node-guard.mjs ./scripts/
COPY --from=build /app/dist ./dist
# What Node makes of the bundle, made once. Without settings the gateway loads all of it and ends with 78.
# It is code, so the user who runs it may read it and not change it.
RUN node --import ./scripts/node-guard.mjs dist/server.js || [ $? -eq 78 ]
RUN chmod -R a+rX,go-w node_modules
USER node
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is the first process, so that SIGTERM reaches it and drains the gateway.
CMD ["node", "--import", "./scripts/node-guard.mjs", "dist/server.js"]
