"""The body: two-person, hierarchical diffusion (InterAct, arXiv 2509.05747): lower bodies first, upper bodies given them."""
