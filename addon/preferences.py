# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the animation server is: one that Blender starts on this computer, or one that runs elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import bpy
from bpy.app.translations import pgettext_iface as _t
from bpy.props import EnumProperty, StringProperty
from duologue import __version__
from duologue.errors import DuologueError

from .identity import PACKAGE
from .panels.base import wrap
from .session import environments, servers
from .session.session import session

if TYPE_CHECKING:
    from bpy.types import Context, UILayout


def _look_again(_: DUOLOGUE_AP_preferences, __: Context) -> None:
    environments.find.cache_clear()


class DUOLOGUE_AP_preferences(bpy.types.AddonPreferences):
    """The extension's preferences."""

    bl_idname = PACKAGE

    where: EnumProperty(
        name="Server",
        description="What makes the takes",
        items=[
            (
                "LOCAL",
                "This Computer",
                "A server on this computer: the one that runs, else one that Blender starts and stops",
            ),
            ("ADDRESS", "Address", "A server whose address and keys you have: here, or on another computer"),
            ("FILE", "Connection File", "A server whose connection file you have: here, or on another computer"),
        ],
    )
    environment: StringProperty(
        name="Environment",
        description="Where Duologue's backend is installed: its folder, a virtual environment or a Python. Leave it empty to "
        "look for the duologue command",
        subtype="FILE_PATH",
        update=_look_again,
    )
    address: StringProperty(
        name="Address", description="Where the server listens, as host:port, for example render-1:5555"
    )
    keys: StringProperty(
        name="Keys",
        description="The beginning of the server's public key, to tell servers apart. The keys themselves are not kept here",
    )
    file: StringProperty(
        name="Connection File",
        description="The file that `duologue serve` writes: address and keys. Keep it to yourself",
        subtype="FILE_PATH",
    )

    def draw(self, context: Context) -> None:
        """Draw the preferences."""
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.row().prop(self, "where", expand=True)
        {"LOCAL": self._draw_local, "ADDRESS": self._draw_address, "FILE": self._draw_file}[self.where](layout, context)
        row = layout.row(align=True)
        row.operator("duologue.test_connection", icon="FILE_REFRESH")
        row.operator("duologue.show_log", icon="TEXT")
        row.operator("duologue.copy_diagnostics", icon="COPYDOWN")
        state = session.server_state()
        wrap(layout, state.text, context, "ERROR" if state.failed else "INFO", alert=state.failed)

    def _draw_local(self, layout: UILayout, context: Context) -> None:
        layout.prop(self, "environment")
        try:
            environment = environments.find(servers.given_path(self.environment))
        except DuologueError as error:
            wrap(layout, str(error), context, "ERROR", alert=True)
            environment = None
        else:
            _draw_environment(layout, context, environment)
        row = layout.row(align=True)
        row.operator("duologue.start_server", icon="PLAY")
        row.operator("duologue.stop_server", icon="CANCEL")

    def _draw_address(self, layout: UILayout, context: Context) -> None:
        layout.prop(self, "address")
        if self.keys:
            text = _t("The keys of the server {key}… are saved").format(key=self.keys)
            wrap(layout, text, context, "LOCKED")
        else:
            wrap(layout, _t("No keys yet: paste the text of a connection file, or enter them"), context, "UNLOCKED")
        row = layout.row(align=True)
        row.operator("duologue.paste_connection", icon="PASTEDOWN")
        row.operator("duologue.enter_keys", icon="GREASEPENCIL")
        row.operator("duologue.forget_keys", icon="TRASH")
        if self.address and not bpy.app.online_access and not servers.is_this_computer(self.address):
            text = _t("Blender is set to stay offline, so only servers on this computer can be reached")
            wrap(layout, text, context, "INTERNET_OFFLINE", alert=True)

    def _draw_file(self, layout: UILayout, _: Context) -> None:
        layout.prop(self, "file")


def _draw_environment(layout: UILayout, context: Context, environment: environments.Environment | None) -> None:
    if environment is None:
        text = _t(
            "No installed Duologue was found. To make one: run `python3 backend install` in Duologue's folder; then choose it"
        )
        wrap(layout, text, context, "ERROR", alert=True)
    elif not environment.version:
        text = _t(
            "{python} seems to have no Duologue. To install it: run `python3 backend install` in Duologue's folder"
        )
        wrap(layout, text.format(python=environment.python), context, "ERROR", alert=True)
    elif environment.version != __version__:
        text = _t("Found Duologue {found}, but this extension is {own}: update the older of the two. {python}")
        wrap(
            layout, text.format(found=environment.version, own=__version__, python=environment.python), context, "ERROR"
        )
    else:
        text = _t("Found Duologue {version}: {python}").format(version=environment.version, python=environment.python)
        wrap(layout, text, context, "CHECKMARK")


CLASSES = (DUOLOGUE_AP_preferences,)
