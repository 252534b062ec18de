// Prints which state machines asl-validator takes: a JSON map of path to true or false.
// Arguments: the folder that holds node_modules, then the machines' paths.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const { resolve } = require("node:path");

const [, , folder, ...machines] = process.argv;
const fromFolder = createRequire(resolve(folder, "index.js"));

// asl-validator compiles its schemas anew for each machine, a quarter of a second each: it gets the same compiler again.
const compilers = createRequire(fromFolder.resolve("asl-validator"))("ajv");
const Compiler = compilers.default;
let kept;
compilers.default = function (options) {
  // The second time round its keywords are there already, and adding them again is an error.
  if (kept) kept.addKeyword = () => kept;
  return (kept ??= new Compiler(options));
};

const validate = fromFolder("asl-validator");
const verdict = (path) => validate(JSON.parse(readFileSync(path, "utf8"))).isValid;
console.log(JSON.stringify(Object.fromEntries(machines.map((path) => [path, verdict(path)]))));
