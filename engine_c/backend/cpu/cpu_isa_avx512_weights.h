/* cpu_isa_avx512_weights: weigh_pairs of the rows for AVX-512 that multiply bf16 numbers, included
 * inside each one's target pragma. 2^r on [-1/2, 1/2] by the polynomial of degree 3 whose relative
 * error has equal ripples (Remez): 7.5e-5, a fiftieth of bf16's rounding. */

static inline __attribute__((always_inline)) __m512 weigh_exp2(__m512 x) {
  const __m512 rest = _mm512_reduce_ps(x, _MM_FROUND_TO_NEAREST_INT); /* 0 for an infinity */
  __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(5.51716691e-2f), rest, _mm512_set1_ps(0.242611122f));
  p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(0.693260985f));
  p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(0.999928074f));
  return _mm512_scalef_ps(p, _mm512_sub_ps(x, rest));
}

/* Weights are rounded by adding half a unit: a tie, one number in 65,536, goes up. */
static void weigh_pairs(const cpu_weights *w) {
  enum { LANES_512 = 16, PANEL_512 = LANES_512 * ISA_VECTORS };
  const __m512 scale = _mm512_set1_ps(w->scale);
  const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32(-0x10000);
  for (int32_t column = 0; column < PANEL_512; column += LANES_512) {
    const __m512 reference = _mm512_loadu_ps(w->reference + column);
    __m512 total = _mm512_loadu_ps(w->totals + column);
    __m512 peak = _mm512_loadu_ps(w->scores + column);
    for (int32_t key = 0; key < w->keys; key += 2) {
      const float *at = w->scores + (int64_t)key * PANEL_512 + column;
      const __m512 x = _mm512_loadu_ps(at), y = _mm512_loadu_ps(at + PANEL_512);
      peak = _mm512_max_ps(_mm512_max_ps(x, y), peak);
      __m512i even = _mm512_castps_si512(weigh_exp2(_mm512_fmsub_ps(x, scale, reference)));
      __m512i odd = _mm512_castps_si512(weigh_exp2(_mm512_fmsub_ps(y, scale, reference)));
      even = _mm512_and_si512(_mm512_add_epi32(even, half), upper);
      odd = _mm512_and_si512(_mm512_add_epi32(odd, half), upper);
      total =
          _mm512_add_ps(total, _mm512_add_ps(_mm512_castsi512_ps(even), _mm512_castsi512_ps(odd)));
      _mm512_storeu_si512(w->out + (int64_t)key * PANEL_512 + 2 * column,
                          _mm512_or_si512(odd, _mm512_srli_epi32(even, 16)));
    }
    _mm512_storeu_ps(w->totals + column, total);
    _mm512_storeu_ps(w->peaks + column, _mm512_mul_ps(peak, scale));
  }
}
