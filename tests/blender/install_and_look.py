# SPDX-License-Identifier: GPL-3.0-or-later
"""Run inside any Blender: install the extension from its zip, switch it off and on, and print what there is as JSON."""

import importlib
import json
import sys
import time

import bpy

MODULE = "bl_ext.user_default.duologue"


def main(path: str) -> dict[str, object]:
    import numpy  # noqa: F401  (the one package that Blender itself has)

    # Under the bpy wheel, nothing may come from the environment around it.
    sys.path[:] = [entry for entry in sys.path if not entry.endswith(("site-packages", "dist-packages", "backend"))]
    bpy.ops.extensions.package_install_files(filepath=path, repo="user_default", enable_on_install=True)
    import addon_utils

    found: dict[str, object] = {"blender": bpy.app.version_string, "enabled": addon_utils.check(MODULE)[1]}
    bpy.ops.preferences.addon_disable(module=MODULE)
    found["gone"] = not hasattr(bpy.types, "DUOLOGUE_PT_main") and not hasattr(bpy.types.Scene, "duologue")
    # As at the start of a Blender: nothing of ours or of ZeroMQ is loaded yet.
    for name in [name for name in sys.modules if name.split(".")[0] in {"duologue", "zmq"} or name.startswith(MODULE)]:
        del sys.modules[name]
    started = time.process_time()  # of this process: other jobs of the machine don't count
    bpy.ops.preferences.addon_enable(module=MODULE)
    found["registration_seconds"] = time.process_time() - started
    duologue, zmq = importlib.import_module("duologue"), importlib.import_module("zmq")
    found |= {"duologue": duologue.__file__, "zmq": zmq.__file__, "torch": "torch" in sys.modules}
    bpy.ops.duologue.add_sample_pair()
    found["cast"] = [performer.found for performer in bpy.context.scene.duologue.performers()]
    found["problems"] = [performer.problem for performer in bpy.context.scene.duologue.performers()]
    found["operators"] = sorted(name for name in dir(bpy.ops.duologue) if not name.startswith("_"))
    bpy.ops.preferences.addon_disable(module=MODULE)
    return found


if __name__ == "__main__":
    arguments = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else sys.argv[1:]
    sys.stdout.write(json.dumps(main(arguments[0])) + "\n")
