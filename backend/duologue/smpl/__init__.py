"""SMPL-H and SMPL-X: the research world's body models, to and from ours. The user's own model files; numpy alone reads them.

The equations are the papers' (SMPL, Loper et al. 2015, section 3; SMPL-X, Pavlakos et al. 2019, section 3.1). The authors' own
package ``smplx`` is for non-commercial research only, so it is no dependency of ours; a test compares with it where it is.
"""

from duologue.smpl.model import BodyModel
from duologue.smpl.parameters import BodyParameters

__all__ = ["BodyModel", "BodyParameters"]
