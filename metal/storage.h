// storage: the 16-bit float in which a library's kernels store activations and matrices: f16, or
// bf16 in the library that defines STORAGE_BF16 before all else. Beside it they know f32.
#ifndef STORAGE_H
#define STORAGE_H

#include <metal_stdlib>

using namespace metal;

#ifdef STORAGE_BF16
typedef bfloat short_float;
typedef bfloat4 short_float4;
constant constexpr uint SHORT_FLOAT_EXPONENT = 0x0080;  // the lowest bit of the exponent
#else
typedef half short_float;
typedef half4 short_float4;
constant constexpr uint SHORT_FLOAT_EXPONENT = 0x0400;
#endif

#endif
