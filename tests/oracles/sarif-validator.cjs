// Prints what the schema of SARIF 2.1.0 finds wrong in logs: a JSON map of path to a list of faults.
// Arguments: the folder that holds node_modules, then the logs' paths.
const { createRequire } = require("node:module");
const { readFileSync } = require("node:fs");
const { resolve } = require("node:path");

const [, , folder, ...logs] = process.argv;
// The schema lies in a package of Microsoft's, who wrote the first draft of SARIF; so does a validator that reads draft 4.
const fromPackage = createRequire(createRequire(resolve(folder, "index.js")).resolve("@microsoft/jest-sarif"));

const Ajv = fromPackage("ajv");
const ajv = new Ajv({ schemaId: "auto", allErrors: true, meta: false });
ajv.addMetaSchema(fromPackage("ajv/lib/refs/json-schema-draft-04.json"));
const validate = ajv.compile(fromPackage("./schemas/sarif-2.1.0-rtm.5.json"));

const faults = (path) => (validate(JSON.parse(readFileSync(path, "utf8"))) ? [] : validate.errors.map((error) => `${error.dataPath} ${error.message}`));
console.log(JSON.stringify(Object.fromEntries(logs.map((path) => [path, faults(path)]))));
