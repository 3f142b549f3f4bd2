/* cpu_isa_avx512_bf16: the row for x86-64 with AVX-512 and its products of pairs of bf16 numbers.
 */
#if defined(__x86_64__)
#if defined(__clang__)
#pragma clang attribute push(                                                               \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target( \
    "avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,avx2,fma,f16c,prefer-vector-width=512")
#endif

#include <string.h>

#include "backend/cpu/cpu_isa.h"
#include "backend/cpu/cpu_isa_avx512.h"
#include "backend/cpu/cpu_isa_avx512_weights.h"

enum {
  STRIP_ROWS = 8,
  STRIP_COLUMNS = 16 * ISA_VECTORS /* a panel */
};

#if defined(__clang__)
#define PAIRS_UNROLL _Pragma("clang loop unroll(full)")
#else
#define PAIRS_UNROLL _Pragma("GCC unroll 16")
#endif

/* Two bf16 numbers in every lane. */
static inline __attribute__((always_inline)) __m512bh pairs_of(const char *at) {
  int32_t two;
  memcpy(&two, at, sizeof two);
  return (__m512bh)_mm512_set1_epi32(two);
}

/* Rows first to first + STRIP_ROWS of panel `index`. */
static void pairs_strip(const cpu_pairs *p, int32_t index, int32_t first) {
  const uint16_t *panel = p->b + index * p->b_panel;
  float *tile = p->tile + first * p->stride + index * STRIP_COLUMNS;
  const float *row = p->first ? p->first + index * STRIP_COLUMNS : NULL;
  __m512 sum[STRIP_ROWS][ISA_VECTORS];
  PAIRS_UNROLL for (int32_t i = 0; i < STRIP_ROWS * ISA_VECTORS; i++) {
    const float *at = tile + i / ISA_VECTORS * p->stride + i % ISA_VECTORS * 16;
    sum[i / ISA_VECTORS][i % ISA_VECTORS] = p->accumulate ? _mm512_loadu_ps(at)
                                            : row ? _mm512_loadu_ps(row + i % ISA_VECTORS * 16)
                                                  : _mm512_setzero_ps();
  }
  for (int32_t s = 0; s < p->segments; s++) {
    const cpu_rows half = p->a[2 * s + first / CPU_PAIR_HALF];
    const char *a = (const char *)half.at + first % CPU_PAIR_HALF * half.stride;
    const uint16_t *b = panel + s * p->b_segment;
    for (int32_t k = 0; k < p->length; k += 2, a += 2 * sizeof *b, b += 2 * STRIP_COLUMNS) {
      const __m512bh left = (__m512bh)_mm512_loadu_si512(b);
      const __m512bh right = (__m512bh)_mm512_loadu_si512(b + STRIP_COLUMNS);
      PAIRS_UNROLL for (int32_t r = 0; r < STRIP_ROWS; r++) {
        const __m512bh x = pairs_of(a + r * half.stride);
        sum[r][0] = _mm512_dpbf16_ps(sum[r][0], x, left);
        sum[r][1] = _mm512_dpbf16_ps(sum[r][1], x, right);
      }
    }
  }
  PAIRS_UNROLL for (int32_t i = 0; i < STRIP_ROWS * ISA_VECTORS; i++)
      _mm512_storeu_ps(tile + i / ISA_VECTORS * p->stride + i % ISA_VECTORS * 16,
                       sum[i / ISA_VECTORS][i % ISA_VECTORS]);
}

static void multiply_pairs(const cpu_pairs *p) {
  for (int32_t i = 0; i < p->panels; i++)
    for (int32_t row = 0; row < p->rows; row += STRIP_ROWS) pairs_strip(p, i, row);
}

static void begin_pairs(void) {}
static void end_pairs(void) {}

#define ISA_SET avx512_bf16
#define ISA_USABLE (ISA_AVX512_USABLE && __builtin_cpu_supports("avx512bf16"))
#define ISA_PAIRS 2
#define ISA_TO_BF16(v) ((hvec)_mm512_cvtneps_pbh((__m512)(v)))
#include "backend/cpu/cpu_isa_body.h"

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
