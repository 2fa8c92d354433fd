// SPDX-License-Identifier: GPL-3.0-or-later
//
// Flamenco job type: a folder of Duologue briefs becomes shots, one task a brief. Put this file into the folder `scripts` beside
// the Flamenco Manager; docs/guide/farm.md says what the workers need.

const JOB_TYPE = {
    label: "Duologue Shots",
    description: "Perform Duologue briefs with the characters of this file: a take, a scene and a preview a brief",
    settings: [
        // What artists choose.
        { key: "briefs_folder", type: "string", subtype: "dir_path", required: true, default: "//briefs", visible: "submission",
          description: "Folder with the briefs (.toml, .json) on the shared storage" },
        { key: "briefs", type: "string", required: true, visible: "submission",
          // The Manager can't look into folders, so Blender lists the briefs when the job is submitted.
          eval: "'; '.join(sorted(p.name for p in Path(abspath(settings.briefs_folder)).iterdir()" +
                " if p.suffix in {'.toml', '.json'}))",
          evalInfo: { showLinkButton: true, description: "Every brief of the folder" },
          description: "File names of the briefs, with semicolons between them; each becomes a task" },
        { key: "output_root", type: "string", subtype: "dir_path", required: true, visible: "submission",
          description: "Folder for the shots on the shared storage: each brief gets one of its own name in it" },
        { key: "armature_a", type: "string", default: "", visible: "submission", label: "Armature of A",
          description: "Who plays A; empty: as chosen in the Duologue panel of the file" },
        { key: "armature_b", type: "string", default: "", visible: "submission", label: "Armature of B",
          description: "Who plays B" },
        { key: "preview", type: "bool", default: true, visible: "submission", description: "Draw preview.mp4 as well" },
        { key: "engine", type: "string", choices: ["workbench", "eevee", "cycles", "software"], default: "workbench",
          visible: "submission", description: "What draws the preview" },
        { key: "export_gltf", type: "bool", default: false, visible: "submission", label: "glTF", description: "Write scene.glb" },
        { key: "export_fbx", type: "bool", default: false, visible: "submission", label: "FBX", description: "Write scene.fbx" },
        { key: "export_usd", type: "bool", default: false, visible: "submission", label: "USD", description: "Write scene.usdc" },
        { key: "server", type: "string", subtype: "file_path", default: "", visible: "submission",
          description: "Connection file of the animation server; empty: as the workers' Duologue preferences say" },

        // Worked out when the job is submitted: workers know nothing of the paths that begin with "//".
        { key: "briefs_path", type: "string", required: true, visible: "web", eval: "str(abspath(settings.briefs_folder))",
          description: "The folder with the briefs, in full" },
        { key: "output_path", type: "string", required: true, visible: "web", eval: "str(abspath(settings.output_root))",
          description: "The folder for the shots, in full" },
        { key: "blendfile", type: "string", required: true, visible: "web", description: "The file with the characters" },
    ],
};

function compileJob(job) {
    const settings = job.settings;
    const briefs = settings.briefs.split(";").map((name) => name.trim()).filter((name) => name !== "");
    if (briefs.length === 0) {
        throw "There is no brief to perform: the list of briefs is empty";
    }
    const names = new Set();
    for (const brief of briefs) {
        const name = path.stem(brief);
        if (names.has(name)) {
            throw `Two briefs are called "${name}" and would go to the same folder; rename one of them`;
        }
        names.add(name);
        job.addTask(authorShot(settings, brief, name));
    }
    print(`Duologue: ${briefs.length} shots`);
}

// A task of its own, which Flamenco may run again: a shot that is done is then skipped, a half-done one made again.
function authorShot(settings, brief, name) {
    const task = author.Task(`shot-${name}`, "blender");
    task.addCommand(author.Command("blender-render", {
        exe: "{blender}",
        exeArgs: "{blenderArgs}",
        argsBefore: [],
        blendfile: settings.blendfile,
        args: shotArguments(settings, brief, name),
    }));
    return task;
}

function shotArguments(settings, brief, name) {
    // `--command` takes all that follows. Each task has a report of its own: they run at the same time.
    const args = [
        "--command", "duologue",
        "--brief", path.join(settings.briefs_path, brief),
        "--out", settings.output_path,
        "--report", path.join(settings.output_path, "reports", `${name}.json`),
    ];
    for (const [option, value] of [
        ["--armature-a", settings.armature_a],
        ["--armature-b", settings.armature_b],
        ["--server", settings.server],
        ["--engine", settings.engine],
    ]) {
        if (value) {
            args.push(option, value);
        }
    }
    if (settings.preview === false) {
        args.push("--no-preview");
    }
    for (const format of ["gltf", "fbx", "usd"]) {
        if (settings[`export_${format}`]) {
            args.push("--export", format);
        }
    }
    return args;
}
