// Runs farm/duologue.js as Flamenco's Manager does: a bare JavaScript engine with `author`, `path` and `print` in it, and a job.
// What those do is as in Flamenco's internal/manager/job_compilers/{author,js_path,js_globals}.go.
// Usage: node compile.js SCRIPT, with the job's settings as JSON on standard input; the tasks come out as JSON.

const fs = require("node:fs");
const posix = require("node:path").posix;
const vm = require("node:vm");

function required(name, value) {
    if (typeof value !== "string" || value.trim() === "") {
        throw new Error(`author.Task(name, type): ${name} is required`);
    }
    return value.trim();
}

const world = {
    print: () => {},
    path: { basename: posix.basename, dirname: posix.dirname, join: posix.join, stem: (file) => posix.parse(file).name },
    author: {
        Task: (name, type) => {
            const task = { name: required("name", name), type: required("type", type), commands: [] };
            task.addCommand = (command) => task.commands.push(command);
            return task;
        },
        Command: (name, parameters) => ({ name, parameters }),
    },
};
const context = vm.createContext(world);
vm.runInContext(fs.readFileSync(process.argv[2], "utf8"), context);
const tasks = [];
const job = { settings: JSON.parse(fs.readFileSync(0, "utf8")), addTask: (task) => tasks.push(task) };
context.job = job;
let error = null;
try {
    vm.runInContext("compileJob(job)", context);
} catch (thrown) {
    error = String(thrown);
}
const type = vm.runInContext("JOB_TYPE", context);
process.stdout.write(JSON.stringify({ type, tasks, error }));
