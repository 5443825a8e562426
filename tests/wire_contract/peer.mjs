// Signs and mints as the contract says, with nothing of ours: JSON lines in, JSON lines out.
import { createCipheriv, createHash } from "node:crypto";
import { createInterface } from "node:readline";

function signature({ app_id, nonce, secret, timestamp_s }) {
  return createHash("md5").update(`${app_id}${nonce}${secret}${timestamp_s}`, "utf8").digest("hex");
}

function token({ secret, iv, mode, claims }) {
  const { app_id, user_id, nonce, ctime, expire, payload } = claims;
  const plain = Buffer.from(JSON.stringify({ app_id, user_id, nonce, ctime, expire, payload }), "utf8");
  const cipher = createCipheriv(mode === "gcm" ? "aes-256-gcm" : "aes-256-cbc", secret, iv);
  let sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
  if (mode === "gcm") sealed = Buffer.concat([sealed, cipher.getAuthTag()]);
  const head = Buffer.alloc(10 + iv.length + 2);
  head.writeBigInt64BE(BigInt(expire), 0);
  head.writeUInt16BE(iv.length, 8);
  head.write(iv, 10, "latin1");
  head.writeUInt16BE(sealed.length, 10 + iv.length);
  const tail = mode === "gcm" ? Buffer.from([1]) : Buffer.alloc(0);
  return "04" + Buffer.concat([head, sealed, tail]).toString("base64");
}

for await (const line of createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  const answer = asked.claims === undefined ? signature(asked) : token(asked);
  process.stdout.write(JSON.stringify(answer) + "\n");
}
