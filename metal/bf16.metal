// bf16: the kernels for activations that are stored as bf16, a library of its own: the sources of
// the core library with bfloat in the place of half. Kernels without a type in their name have the
// core's name. Needs MSL 3.1 and a GPU that has bf16 (Apple9); elsewhere nothing asks for it.
#define STORAGE_BF16

#include "attention.metal"
#include "elementwise.metal"
#include "embedding.metal"
#include "matrix.metal"
#include "norm.metal"
#include "unpack.metal"

template [[host_name("matrix_bf16_64x64_rows")]] [[kernel]]
decltype(matrix_staged<bfloat, 64, 64, false>) matrix_staged<bfloat, 64, 64, false>;
template [[host_name("matrix_bf16_64x64_taps")]] [[kernel]]
decltype(matrix_staged<bfloat, 64, 64, true>) matrix_staged<bfloat, 64, 64, true>;
template [[host_name("matrix_bf16_64x32_rows")]] [[kernel]]
decltype(matrix_staged<bfloat, 64, 32, false>) matrix_staged<bfloat, 64, 32, false>;
template [[host_name("matrix_bf16_64x32_taps")]] [[kernel]]
decltype(matrix_staged<bfloat, 64, 32, true>) matrix_staged<bfloat, 64, 32, true>;
template [[host_name("matrix_bf16_direct_rows")]] [[kernel]] decltype(matrix_direct_rows<bfloat>)
    matrix_direct_rows<bfloat>;
template [[host_name("matrix_bf16_direct_taps")]] [[kernel]] decltype(matrix_direct_taps<bfloat>)
    matrix_direct_taps<bfloat>;
template [[host_name("matrix_reduce_bf16")]] [[kernel]]
decltype(matrix_reduce<bfloat>) matrix_reduce<bfloat>;

template [[host_name("attention_bf16_40")]] [[kernel]] decltype(attention<bfloat, half, 5, 2, 32>)
    attention<bfloat, half, 5, 2, 32>;
template [[host_name("attention_bf16_64")]] [[kernel]] decltype(attention<bfloat, half, 8, 2, 32>)
    attention<bfloat, half, 8, 2, 32>;
template [[host_name("attention_bf16_80")]] [[kernel]] decltype(attention<bfloat, half, 10, 2, 32>)
    attention<bfloat, half, 10, 2, 32>;
template [[host_name("attention_bf16_160")]] [[kernel]] decltype(attention<bfloat, half, 20, 1, 32>)
    attention<bfloat, half, 20, 1, 32>;
template [[host_name("attention_bf16_wide")]] [[kernel]] decltype(attention_wide<bfloat, half, 64>)
    attention_wide<bfloat, half, 64>;
