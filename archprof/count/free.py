"""Operations that compute nothing: they make, move, cast or rename elements.

Declared one by one, so that an operation that nobody has thought about is never taken for free.
"""

from __future__ import annotations

from archprof.count.formulas import aten

_MAKING = """
    empty empty_like empty_strided new_empty new_empty_strided new_full new_ones new_zeros zeros zeros_like ones
    ones_like full full_like scalar_tensor arange linspace logspace eye tril_indices triu_indices randperm rand
    rand_like randn randn_like randint randint_like normal uniform fill zero random exponential empty_permuted
    hann_window hamming_window blackman_window bartlett_window kaiser_window fft_fftfreq fft_rfftfreq range
    cauchy geometric log_normal _efficientzerotensor _new_zeros_with_same_feature_meta
"""
_MOVING = """
    clone copy _to_copy cat stack gather scatter index index_select index_fill index_copy take
    take_along_dim embedding repeat repeat_interleave roll flip rot90 tril triu constant_pad_nd
    reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d replication_pad3d
    masked_scatter masked_select nonzero pixel_shuffle pixel_unshuffle channel_shuffle native_channel_shuffle
    im2col unfold_copy upsample_nearest1d upsample_nearest2d upsample_nearest3d _upsample_nearest_exact1d
    _upsample_nearest_exact2d _upsample_nearest_exact3d max_unpool2d max_unpool3d select_scatter slice_scatter
    diagonal_scatter block_diag diag_embed one_hot unique_dim _unique2 unique_consecutive complex polar real imag
    bitwise_and bitwise_or bitwise_not bitwise_xor logical_and logical_or logical_not logical_xor
    _nested_tensor_from_mask _nested_tensor_from_tensor_list to_padded_tensor nested_to_padded_tensor
    _nested_from_padded _jagged_to_padded_dense_forward _padded_dense_to_jagged_forward _reshape_copy
    _unsafe_index _unsafe_masked_index contiguous
    view_as_real_copy view_as_complex_copy _conj_copy split_with_sizes_copy
    select_backward slice_backward diagonal_backward masked_scatter_backward as_strided_scatter _stack
    _pack_padded_sequence _unique lu_unpack nonzero_static _chunk_cat _to_sparse resize_as _to_dense
    alias_copy as_strided_copy detach_copy diagonal_copy expand_copy narrow_copy permute_copy select_copy slice_copy
    split_copy squeeze_copy t_copy transpose_copy unbind_copy unsqueeze_copy view_copy
    poisson binomial _standard_gamma _sample_dirichlet
"""
_NAMING = """
    lift lift_fresh lift_fresh_copy _local_scalar_dense item resize
    view _unsafe_view reshape _reshape_alias expand expand_as transpose t permute squeeze unsqueeze slice select
    narrow split split_with_sizes unsafe_split unsafe_split_with_sizes chunk unsafe_chunk unbind unfold as_strided
    alias detach diagonal view_as_real view_as_complex _conj _neg_view flatten unflatten movedim swapaxes
    is_same_size is_pinned is_set_to _linalg_check_errors _assert_async _assert_scalar _assert_tensor_metadata sym_size
    _has_compatible_shallow_copy_type _has_same_storage_numel
"""


def _named(names: str, namespace: str = "aten") -> frozenset[str]:
    return frozenset(aten(names, namespace))


_MARKS = frozenset(
    {"profiler._record_function_enter", "profiler._record_function_enter_new", "profiler._record_function_exit"}
)

_PRIMS = _named(
    """
    as_strided as_strided_scatter broadcast_in_dim cat clone collapse collapse_view conj convert_element_type
    copy_strided copy_to device_put empty empty_permuted empty_strided fill full full_like imag iota item real reshape
    rev scalar_tensor split_dim squeeze transpose view_of view_of_dtype
    """,
    "prims",
)
"""What torch's own Python kernels run where an operation has no other for tensors without values."""

FREE = _named(_MAKING + _MOVING + _NAMING) | _MARKS | _PRIMS
"""Names of operations without arithmetic, as :attr:`~archprof.trace.record.Operation.name` gives them."""

MAKING = _named(_MAKING)
"""Those of them that read the elements of no tensor."""

GATHERS = _named("""
    embedding gather index index_select masked_select take take_along_dim _unsafe_index _unsafe_masked_index
""")
"""Those of them that read only the elements that they give, and indices."""
