// A real AT Protocol server with a directory of its own, on loopback, until its standard input ends.
// Arguments: the folder in which npm has installed @atproto/pds and @did-plc/server, and one for its data.
import { createRequire } from "node:module";
import { randomBytes } from "node:crypto";
import { createServer } from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";

const [installed, data] = process.argv.slice(2);
const resolve = createRequire(path.join(path.resolve(installed), "here.js")).resolve;
const load = async (name) => {
  const found = await import(pathToFileURL(resolve(name)).href);
  return found.default && !found.PDS && !found.PlcServer ? found.default : found;
};

const freePort = () =>
  new Promise((done) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const { port } = probe.address();
      probe.close(() => done(port));
    });
  });

const { PlcServer, Database } = await load("@did-plc/server");
const { PDS, envToCfg, envToSecrets, readEnv } = await load("@atproto/pds");

const directoryPort = await freePort();
const directory = PlcServer.create({ db: Database.mock(), port: directoryPort });
await directory.start();

const port = await freePort();
Object.assign(process.env, {
  PDS_PORT: String(port),
  PDS_HOSTNAME: "localhost",
  PDS_DEV_MODE: "true",
  PDS_DATA_DIRECTORY: data,
  PDS_BLOBSTORE_DISK_LOCATION: path.join(data, "blobs"),
  PDS_DID_PLC_URL: `http://localhost:${directoryPort}`,
  PDS_INVITE_REQUIRED: "false",
  PDS_SERVICE_HANDLE_DOMAINS: ".test",
  PDS_JWT_SECRET: randomBytes(16).toString("hex"),
  PDS_ADMIN_PASSWORD: randomBytes(16).toString("hex"),
  PDS_PLC_ROTATION_KEY_K256_PRIVATE_KEY_HEX: randomBytes(32).toString("hex"),
  PDS_RATE_LIMITS_ENABLED: "false",
  LOG_ENABLED: "false",
});
const env = readEnv();
const server = await PDS.create(envToCfg(env), envToSecrets(env));
await server.start();
process.stdout.write(`ready http://127.0.0.1:${port}\n`);

process.stdin.resume();
process.stdin.on("end", async () => {
  await server.destroy();
  await directory.destroy();
  process.exit(0);
});
