"""Operators that compute nothing: they make, move, cast or name elements, decide what runs, or work on text.

Declared one by one, so that an operator that nobody has thought about is never taken for free.
"""

from __future__ import annotations

from archprof.count.onnx_operators.registry import MICROSOFT, ML, NCHWC, register_free

_MAKING = """
    Constant ConstantOfShape EyeLike Range RandomNormal RandomNormalLike RandomUniform RandomUniformLike
    HannWindow HammingWindow BlackmanWindow
"""
_MOVING = """
    Cast CastLike BitCast Concat Expand Tile Gather GatherElements GatherND Slice Split Transpose Pad CenterCropPad
    DepthToSpace SpaceToDepth Compress NonZero OneHot ReverseSequence Trilu Unique MaxUnpool TensorScatter
    And Or Xor Not BitwiseAnd BitwiseOr BitwiseXor BitwiseNot
"""
_NAMING = "Identity Reshape Flatten Squeeze Unsqueeze Shape Size Optional OptionalGetElement OptionalHasElement"
_SEQUENCES = """
    SequenceAt SequenceConstruct SequenceEmpty SequenceErase SequenceInsert SequenceLength ConcatFromSequence
    SplitToSequence
"""
_RUNNING = "If Loop Scan SequenceMap"
"""What runs the graphs within them, which are counted on their own."""

_TEXT = "RegexFullMatch StringConcat StringNormalizer StringSplit TfIdfVectorizer"

register_free(" ".join((_MAKING, _MOVING, _NAMING, _SEQUENCES, _RUNNING, _TEXT)))
register_free(
    """
    ArrayFeatureExtractor CastMap CategoryMapper DictVectorizer FeatureVectorizer LabelEncoder OneHotEncoder ZipMap
    """,
    domain=ML,
)
register_free(
    """
    ExpandDims GatherND Pad Range RelativePositionBias RemovePadding RestorePadding Tokenizer TorchEmbedding Trilu
    UnfoldTensor Unique
    """,
    domain=MICROSOFT,
)
register_free("ReorderInput ReorderOutput", domain=NCHWC)

MAKING = frozenset(_MAKING.split())
"""Those that read the elements of no tensor."""

GATHERS = frozenset({"Gather", "GatherElements", "GatherND", "Compress", "Slice"})
"""Those that read only the elements that they give, and indices."""
