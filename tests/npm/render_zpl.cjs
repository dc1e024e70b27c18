// Renders ZPL with zpl-renderer-js: a JSON list of {zpl, width_mm, height_mm, dpmm} in, a JSON list of PNGs (base64) out.
const { ready } = require("zpl-renderer-js");

async function main() {
  const { api } = await ready;
  const jobs = JSON.parse(require("node:fs").readFileSync(0, "utf8"));
  const pictures = [];
  for (const job of jobs) {
    pictures.push(await api.zplToBase64MultipleAsync(job.zpl, job.width_mm, job.height_mm, job.dpmm));
  }
  // The Go program inside would wait for ever; but leave only when the pipe has taken it all.
  process.stdout.write(JSON.stringify(pictures), () => process.exit(0));
}

main().catch((error) => {
  process.stderr.write(String(error));
  process.exit(1);
});
