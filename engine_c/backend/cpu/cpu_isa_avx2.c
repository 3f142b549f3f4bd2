/* cpu_isa_avx2: the row for x86-64 with AVX2, FMA and F16C. */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma,f16c"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma,f16c")
#endif

#include <immintrin.h>

#define ISA_SET avx2
#define ISA_BYTES 32
#define ISA_VECTORS 2
#define ISA_ROWS 6
/* Every processor with AVX2 has F16C. */
#define ISA_USABLE (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#define ISA_FROM_HALF(h) ((vec)_mm256_cvtph_ps((__m128i)(h)))
#define ISA_TO_HALF(v) ((hvec)_mm256_cvtps_ph((__m256)(v), _MM_FROUND_TO_NEAREST_INT))
#define ISA_WIDEN(h) _mm256_cvtepu16_epi32((__m128i)(h))
#define ISA_NARROW(v)     \
  _mm256_castsi256_si128( \
      _mm256_permute4x64_epi64(_mm256_packus_epi32((__m256i)(v), (__m256i)(v)), 0x88))
#define ISA_CLAMP(x, low, high) \
  ((vec)_mm256_max_ps(_mm256_set1_ps(low), _mm256_min_ps(_mm256_set1_ps(high), (__m256)(x))))
#define ISA_LARGER(x, y) ((vec)_mm256_max_ps((__m256)(x), (__m256)(y)))
#include "backend/cpu/cpu_isa_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
