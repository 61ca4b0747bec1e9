/** The forms in which a name and its value were met in texts, and words of HOSTKEY that only look like them. */

import { expect, test } from 'vitest'
import { redact } from '../../src/upstream/redact.ts'

const VALUE = 'Zq7-planted_VALUE'

/** $ stands for the value. */
const FORMS = [
  'Пароль: $',
  'Пароль root: $',
  'Ваш пароль — $',
  'пароль от сервера: $',
  'пин-код: $',
  'PIN code: $',
  'wachtwoord: $',
  'Passwort: $',
  'contraseña: $',
  'password：$',
  '«password»: «$»',
  'password is $',
  'your password is "$"',
  'the password was set to $',
  'password set to: $',
  // YAML
  '- name: root\n  password: $\n  shell: /bin/sh',
  'password: |\n  $\n',
  'password: >-\n  $',
  'password: !!str $',
  '#cloud-config\npassword: $\nchpasswd: {expire: False}',
  // Files and command lines
  '[db]\npassword = $\n',
  'password\t$',
  '| password | $ |',
  'password == $',
  'password[root]=$',
  'export ROOT_PASSWORD=$',
  'mysql --password $ -h db',
  "mysql --password='$'",
  'curl -u root:$ https://host',
  'root:$@10.0.0.1',
  'postgres://user:$@host/db',
  '-----BEGIN RSA PRIVATE KEY-----\n$\n-----END RSA PRIVATE KEY-----',
  // Headers and queries
  'Authorization: Bearer $',
  'Set-Cookie: PHPSESSID=$; HttpOnly',
  "curl -H 'X-Auth-Token: $' https://host",
  'https://host/x?a=1&token=$&b=2',
  'password%3D$',
  'password%253D$',
  // XML and HTML
  '<user password="$"/>',
  '<password>$</password>',
  '<pass><![CDATA[$]]></pass>',
  '<input type="password" name="password" value="$">',
  '<add key="password" value="$" />',
  '<param name="token">$</param>',
  '<entry key="password">$</entry>',
  '<key>password</key><string>$</string>',
  '<tr><th>Password</th><td>$</td></tr>',
  '<b>Password</b>: <code>$</code>',
  // PHP
  'Array\n(\n    [password] => $\n)',
  'array(1) {\n  ["password"]=>\n  string(17) "$"\n}',
  'object(User)#1 (1) {\n  ["password":protected]=>\n  string(17) "$"\n}',
  '["pass":"App\\User":private]=>\n  string(17) "$"',
  "array (\n  'password' => '$',\n)",
  's:8:"password";s:17:"$";',
  'a:2:{i:0;s:8:"password";i:1;s:17:"$";}',
  's:8:"password";a:1:{i:0;s:17:"$";}',
  // JSON that is broken, escaped or within JSON
  '{"password":"$"',
  '{\\"password\\":\\"$\\"}',
  '{\\u0022password\\u0022:\\u0022$\\u0022}',
  '{&quot;password&quot;:&quot;$&quot;}',
  "{'password': '$'}",
  'User(password=$, id=1)',
  '[["password","$"],["user","root"]]',
  '{"headers":[["Authorization","Bearer $"]]}',
  '[{"k":"password","v":"$"}]',
  '[{"attr":"rootpw","val":"$"}]',
]

test.each(FORMS)('%s', form => {
  const text = form.replace('$', VALUE)
  for (const value of [text, [text], { debug: text }, JSON.stringify({ debug: text })]) {
    const shown = JSON.stringify(redact(value))
    expect(shown).not.toContain(VALUE)
    expect(shown).not.toContain('planted')
    expect(JSON.stringify(redact(JSON.parse(shown)))).toBe(shown)
  }
})

test.each([
  'invalid token provided',
  'token is invalid',
  'token expired',
  'AsyncKey not found',
  'password is required',
  'the key is not known',
  'failed to request snapshot creation for 1000 - no space left on device',
  'snapshot before-key-rotation created',
  'Запись с ключом не найдена',
  '<p>The session has expired</p>',
  'a pin, a hash and a key',
  'curl: (7) Failed to connect to host port 443: Connection refused',
  'admin: stopped',
])('%s stays as it is', text => {
  expect(redact([text, { message: text }])).toEqual([text, { message: text }])
})
