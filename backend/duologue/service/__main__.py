"""``python -m duologue.service`` starts a server without typer or rich: it is up sooner, and Blender's client starts it so."""

import sys

from duologue.service.serve import main

if __name__ == "__main__":
    sys.exit(main())
