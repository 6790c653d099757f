"""DG-Net: joint discriminative and generative learning for person re-identification (Zheng et al., CVPR 2019).

An appearance encoder that tells people apart and a structure encoder that sees no colours share a picture between
them. A decoder draws one person's appearance in another's structure, and a re-identification network learns from the
drawings. No pose is found or given: what is called structure holds the pose, the silhouette and the background.

Written after reading the official repository (NVlabs/DG-Net; CC BY-NC-SA 4.0) for shapes, losses, weights and
schedules: no code of it is used. The paper itself was not at hand. What differs here:

- The original draws two batches, each with its positives. Here a step has the triplet x, x⁺, x⁻, so there is no
  positive of x⁻, and two terms lack its half: L1 with the appearance of a positive, and the cross entropy of positives.
- The original loads ImageNet's ResNet-50 and a trained re-identification teacher. Here both begin with random weights
  unless ``backbone_weights`` names a file of torchvision's ResNet-50 (an exact reproduction needs ImageNet's on disk),
  and the teacher learns in the first share of the run, on the same pictures.
- The original draws its pictures twice in a step, for D and for G, with the same weights. Here both use one drawing.
- A triplet is mirrored as a whole; the original mirrors each picture by itself.
- E_a classifies x, x⁻ and x⁺ in one batch, whose statistics its batch norms use; in the original these are three.

From the repository, and easily overlooked: appearance codes are detached wherever they are made. So the L1 distance of
appearance codes has no gradient at all, and it is the cross entropy of a copied E_a that asks a drawing for its person.
"""

from momi_lib.rivals.dg_net.config import PRESETS, DgNetConfig
from momi_lib.rivals.dg_net.networks import DgNet, adain
from momi_lib.rivals.dg_net.objective import DgNetObjective

__all__ = ["PRESETS", "DgNet", "DgNetConfig", "DgNetObjective", "adain"]
