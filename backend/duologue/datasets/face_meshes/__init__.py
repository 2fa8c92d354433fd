"""Sequences of face meshes to ARKit's weights: read, aligned, solved. As InterAct did with its captured faces (2509.05747)."""
