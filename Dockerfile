# The bundle, made where nothing of what makes it is kept.
FROM node:24-slim AS build
WORKDIR /app
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY scripts/node-guard.mjs scripts/build.ts scripts/notices.ts ./scripts/
COPY src ./src
RUN npm run -s build

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=8080 STORE_URL=sqlite:/data/gateway.db
RUN mkdir /data && chown node:node /data
COPY package.json LICENSE ./
COPY scripts/node-guard.mjs ./scripts/
COPY --from=build /app/dist ./dist
# What Node makes of the bundle, for the user who runs it. Without settings the gateway loads all of it and ends with 78.
RUN mkdir -p node_modules/.cache && chown node:node node_modules/.cache
USER node
RUN node --import ./scripts/node-guard.mjs dist/server.js || [ $? -eq 78 ]
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=15s --timeout=3s --start-period=10s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT}/livez`).then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
# Node itself is the first process, so that SIGTERM reaches it and drains the gateway.
CMD ["node", "--import", "./scripts/node-guard.mjs", "dist/server.js"]
