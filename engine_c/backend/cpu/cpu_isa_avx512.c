/* cpu_isa_avx512: the row for x86-64 with AVX-512 F, BW, DQ and VL. */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(                                                    \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,prefer-vector-width=512")
#endif

#include <immintrin.h>

#define ISA_SET avx512
#define ISA_BYTES 64
#define ISA_VECTORS 2
#define ISA_ROWS 12
#define ISA_USABLE                                                            \
  (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && \
   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
#define ISA_FROM_HALF(h) ((vec)_mm512_cvtph_ps((__m256i)(h)))
#define ISA_TO_HALF(v) ((hvec)_mm512_cvtps_ph((__m512)(v), _MM_FROUND_TO_NEAREST_INT))
#include "backend/cpu/cpu_isa_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
