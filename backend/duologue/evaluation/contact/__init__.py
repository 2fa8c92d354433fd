"""Do hands touch? Judged by the characters' own meshes with trimesh, not by the capsules that they are solved with."""
