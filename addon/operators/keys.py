# SPDX-License-Identifier: GPL-3.0-or-later
"""The keys of a server elsewhere: pasted, entered, forgotten.

None of these operators is registered in Blender's history: what they are given is a secret, and the Info editor would show it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bpy
from bpy.app.translations import pgettext_iface as _t
from bpy.props import StringProperty
from duologue.errors import DuologueError
from duologue.files.atomic import write_error
from duologue.wire.connection import Connection, is_key

from ..identity import preferences
from ..session import servers
from ..session.session import session
from .base import Operator, Result
from .rules import WAIT_FOR_TAKE

if TYPE_CHECKING:
    from bpy.types import Context

_SECRET: set[Any] = {"HIDDEN", "SKIP_SAVE"}


class _Keys(Operator):
    bl_options = {"INTERNAL"}

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """Other keys would cut the connection of a running take."""
        return WAIT_FOR_TAKE if session.busy else ""


class DUOLOGUE_OT_paste_connection(_Keys, bpy.types.Operator):
    """Take address and keys from the clipboard: the text of the file that `duologue serve --new-client NAME` has written"""

    bl_idname = "duologue.paste_connection"
    bl_label = "Paste Connection"

    text: StringProperty(
        name="Text", description="The file's text, for scripts; empty takes the clipboard", options=_SECRET
    )

    def run(self, context: Context) -> str:
        """Keep it."""
        try:
            pasted = Connection.parse(self.text or context.window_manager.clipboard)
        except DuologueError as error:
            raise DuologueError(
                "INVALID_ARGUMENT",
                "connection-pasted",
                f"the clipboard holds {error}: open the file in a text editor, select all, copy, and press this again",
            ) from error
        return _keep(pasted)


class DUOLOGUE_OT_enter_keys(_Keys, bpy.types.Operator):
    """Enter the server's public key and your own two keys; they are kept in a file that only you can read"""

    bl_idname = "duologue.enter_keys"
    bl_label = "Enter Keys"

    server_key: StringProperty(
        name="Server Key", description="The server's public key: 40 characters", options={"SKIP_SAVE"}
    )
    client_public: StringProperty(
        name="Your Public Key", description="The public one of your two keys: 40 characters", options={"SKIP_SAVE"}
    )
    client_secret: StringProperty(
        name="Your Secret Key",
        description="The secret one of your two keys: 40 characters. Show it to nobody",
        subtype="PASSWORD",
        options={"SKIP_SAVE"},
    )

    def invoke(self, context: Context, _: bpy.types.Event) -> Result:
        """Ask for them."""
        return context.window_manager.invoke_props_dialog(self, width=480)

    def run(self, context: Context) -> str:
        """Check and keep them."""
        endpoint = servers.endpoint_of(preferences().address)
        given = {
            "server_key": self.server_key,
            "client_public": self.client_public,
            "client_secret": self.client_secret,
        }
        for name, key in given.items():
            if not is_key(key.strip()):
                label = self.properties.bl_rna.properties[name].name
                raise DuologueError(
                    "INVALID_ARGUMENT",
                    "key-malformed",
                    f"{label} has {len(key.strip())} characters and must have 40, as `duologue serve --new-client` writes it; "
                    "copy it again from the connection file",
                )
        return _keep(Connection(endpoint, *(key.strip() for key in given.values())))


class DUOLOGUE_OT_forget_keys(_Keys, bpy.types.Operator):
    """Delete the saved keys from this computer and drop the connection"""

    bl_idname = "duologue.forget_keys"
    bl_label = "Forget Keys"

    @classmethod
    def disabled_reason(cls, context: Context) -> str:
        """There is something to forget."""
        return super().disabled_reason(context) or ("" if preferences().keys else _t("No keys are saved for a server"))

    def run(self, context: Context) -> str:
        """Delete the file."""
        session.close()
        path = servers.keys_file()
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise write_error(path, error) from error
        preferences().keys = ""
        return _t("The keys are deleted")


def _keep(connection: Connection) -> str:
    connection.save(servers.keys_file())
    chosen = preferences()
    chosen.where = "ADDRESS"
    chosen.address = connection.endpoint.removeprefix("tcp://")
    chosen.keys = connection.server_key[:8]
    return _t("Address and keys of {address} are saved; press Test Connection").format(address=chosen.address)


CLASSES = (DUOLOGUE_OT_paste_connection, DUOLOGUE_OT_enter_keys, DUOLOGUE_OT_forget_keys)
