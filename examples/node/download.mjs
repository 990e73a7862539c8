// node download.mjs ADDRESS REF DIRECTORY

import { lstat, mkdir, open, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { createBLAKE3 } from "hash-wasm";
import { connect, main } from "./client.mjs";

/** Return where a file goes; neither its path nor a link on the disk may lead out of `root`. */
async function placeFor(root, path) {
  const parts = path.split("/");
  if (parts.some((part) => ["", ".", ".."].includes(part)) || /[\0\\]/.test(path)) {
    throw new Error(`${JSON.stringify(path)} is not a path`);
  }
  let directory = root;
  for (const part of parts.slice(0, -1)) {
    directory = join(directory, part);
    await mkdir(directory).catch((error) => {
      if (error.code !== "EEXIST") throw error;
    });
    if (!(await lstat(directory)).isDirectory()) throw new Error(`${directory} is not a directory`);
  }
  return join(directory, parts.at(-1));
}

async function begin(root, file) {
  const target = await placeFor(root, file.path);
  const unfinished = `${target}.unfinished`;
  await rm(unfinished, { force: true });
  const handle = await open(unfinished, "wx");
  return { file, target, unfinished, handle, hasher: await createBLAKE3() };
}

async function finish({ file, target, unfinished, handle, hasher }) {
  await handle.close();
  if (!file.content_digest.equals(hasher.digest("binary"))) {
    throw new Error(`${JSON.stringify(file.path)} is not what was stored`);
  }
  await rename(unfinished, target);
}

await main("ADDRESS REF DIRECTORY", async (address, ref, root) => {
  const stub = connect(address);
  const begun = new Map();
  await mkdir(root, { recursive: true });
  try {
    for await (const frame of stub.Download({ ref, whole_chunks: true })) {
      for (const file of frame.files) begun.set(file.index, await begin(root, file));
      let at = 0;
      for (const [segment, index] of frame.file_indexes.entries()) {
        const { handle, hasher } = begun.get(index);
        const data = frame.payload.subarray(at, (at += frame.sizes[segment]));
        hasher.update(data);
        await handle.writeFile(data);
      }
      for (const index of frame.finished_file_indexes) {
        await finish(begun.get(index));
        begun.delete(index);
      }
    }
    if (begun.size) throw new Error("the stream ended early");
  } finally {
    for (const { handle, unfinished } of begun.values()) {
      await handle.close();
      await rm(unfinished, { force: true });
    }
  }
  stub.close();
});
