/* cpu_isa_avx512_weights: weigh_pairs of the rows for AVX-512 that multiply bf16 numbers, included
 * inside each one's target pragma. 2^r on [0, 1] by the polynomial of degree 3 whose relative error
 * has equal ripples (Remez): 7.5e-5, a fiftieth of bf16's rounding. */

static inline __attribute__((always_inline)) __m512i weigh_exp2(__m512 x) {
  const __m512 rest = _mm512_reduce_ps(x, _MM_FROUND_TO_NEG_INF); /* 0 for an infinity */
  __m512 p = _mm512_fmadd_ps(_mm512_set1_ps(7.80245227e-2f), rest, _mm512_set1_ps(0.226067155f));
  p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(0.69583354f));
  p = _mm512_fmadd_ps(p, rest, _mm512_set1_ps(0.999925219f));
  return _mm512_castps_si512(_mm512_scalef_ps(p, x)); /* by 2^floor(x) */
}

/* Weights are rounded by adding half a unit: a tie, one number in 65,536, goes up. A row of pairs
 * is written where half of what was read before it stood. */
static void weigh_pairs(const cpu_weights *w) {
  enum { LANES_512 = 16, PANEL_512 = LANES_512 * ISA_VECTORS };
  const __m512 scale = _mm512_set1_ps(w->scale);
  const __m512i half = _mm512_set1_epi32(0x8000), upper = _mm512_set1_epi32(-0x10000);
  const __m512bh ones = (__m512bh)_mm512_set1_epi32(0x3f803f80);
  __m512 total[ISA_VECTORS], reference[ISA_VECTORS];
  for (int32_t v = 0; v < ISA_VECTORS; v++) {
    reference[v] = _mm512_loadu_ps(w->reference + v * LANES_512);
    total[v] = _mm512_setzero_ps();
  }
  const float *at = w->scores, *end = at + (int64_t)w->keys * PANEL_512;
  for (float *to = w->scores; at < end; at += PANEL_512)
    for (int32_t v = 0; v < ISA_VECTORS; v++, at += LANES_512, to += LANES_512) {
      const __m512 x = _mm512_loadu_ps(at), y = _mm512_loadu_ps(at + PANEL_512);
      const __m512i even = weigh_exp2(_mm512_fmsub_ps(x, scale, reference[v]));
      const __m512i odd = weigh_exp2(_mm512_fmsub_ps(y, scale, reference[v]));
      const __m512i pair =
          _mm512_ternarylogic_epi32(/* upper ? odd : even */
                                    upper, _mm512_add_epi32(odd, half),
                                    _mm512_srli_epi32(_mm512_add_epi32(even, half), 16), 0xca);
      total[v] = _mm512_dpbf16_ps(total[v], (__m512bh)pair, ones);
      _mm512_storeu_si512(to, pair);
    }
  for (int32_t v = 0; v < ISA_VECTORS; v++) _mm512_storeu_ps(w->totals + v * LANES_512, total[v]);
}
