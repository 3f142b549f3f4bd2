/* cpu_isa_avx512: what the rows for x86-64 with AVX-512 F, BW, DQ and VL have in common. */
#ifndef CPU_ISA_AVX512_H
#define CPU_ISA_AVX512_H

#include <immintrin.h>

#define ISA_BYTES 64
#define ISA_VECTORS 2
#define ISA_ROWS 12
#define ISA_AVX512_USABLE                                                     \
  (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && \
   __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
#define ISA_FROM_HALF(h) ((vec)_mm512_cvtph_ps((__m256i)(h)))
#define ISA_TO_HALF(v) ((hvec)_mm512_cvtps_ph((__m512)(v), _MM_FROUND_TO_NEAREST_INT))
#define ISA_WIDEN(h) _mm512_cvtepu16_epi32((__m256i)(h))
#define ISA_NARROW(v) _mm512_cvtepi32_epi16((__m512i)(v))
#define ISA_CLAMP(x, low, high) \
  ((vec)_mm512_max_ps(_mm512_set1_ps(low), _mm512_min_ps(_mm512_set1_ps(high), (__m512)(x))))
#define ISA_LARGER(x, y) ((vec)_mm512_max_ps((__m512)(x), (__m512)(y)))
#define ISA_FRACTION(v) ((vec)_mm512_reduce_ps((__m512)(v), _MM_FROUND_TO_NEG_INF))
#define ISA_SCALE_BY_POWER(v, x) ((vec)_mm512_scalef_ps((__m512)(v), (__m512)(x)))

#endif
