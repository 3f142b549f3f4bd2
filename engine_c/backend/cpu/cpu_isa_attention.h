/* cpu_isa_attention: what attention in f32 is made of, as a part of cpu_isa_body: its two products,
 * whose left sides are read where they lie, and the weights between them. 2^r on [0, 1] is the
 * polynomial of degree 5 whose relative error has equal ripples (Remez): 7.5e-8, with
 * rounding 1.5e-7. */

/* Both are constants in every copy: `rows`, and whether rows lie side by side and k below each
 * other (is_down), as they do in values, or the other way round. The tile's rows have no gaps. */
ISA_INLINE void strip_rows(const cpu_strip *s, int32_t first, const int32_t rows,
                           const int is_down) {
  const int64_t length = s->length, stride = s->stride;
  float *tile = s->tile + (int64_t)first * PANEL;
  vec sum[ISA_ROWS * ISA_VECTORS];
  ISA_UNROLL for (int32_t i = 0; i < rows * ISA_VECTORS; i++) sum[i] =
      vec_load(is_down ? tile + i * LANES : s->first + i % ISA_VECTORS * LANES);
  const float *b = s->b, *down = s->a + first, *a[ISA_ROWS];
  ISA_UNROLL for (int32_t r = 0; r < rows; r++) a[r] =
      s->a + (is_down ? 0 : (first + r) * stride + length);
  for (int64_t k = -length; k; k++, b += PANEL, down += stride) {
    vec column[ISA_VECTORS];
    ISA_UNROLL for (int32_t v = 0; v < ISA_VECTORS; v++) column[v] = vec_load(b + v * LANES);
    ISA_UNROLL for (int32_t r = 0; r < rows; r++) {
      const vec x = vec_of(is_down ? down[r] : a[r][k]);
      vec *row = sum + r * ISA_VECTORS;
      ISA_UNROLL for (int32_t v = 0; v < ISA_VECTORS; v++) row[v] += x * column[v];
    }
  }
  ISA_UNROLL for (int32_t i = 0; i < rows * ISA_VECTORS; i++) vec_store(tile + i * LANES, sum[i]);
}

/* In blocks of about equal height. */
ISA_INLINE void strip_of(const cpu_strip *s, const int is_down) {
  const int32_t blocks = (s->rows + ISA_ROWS - 1) / ISA_ROWS;
  for (int32_t i = 0, first = 0, rows; i < blocks; i++, first += rows) {
    rows = (s->rows - first) / (blocks - i);
#define ISA_CASE(count)                                                     \
  case count:                                                               \
    strip_rows(s, first, (count) < ISA_ROWS ? (count) : ISA_ROWS, is_down); \
    break
    switch (rows) { ISA_CASES }
#undef ISA_CASE
  }
}

static void multiply_rows(const cpu_strip *s) { strip_of(s, 0); }
static void multiply_columns(const cpu_strip *s) { strip_of(s, 1); }

/* 2^x; 0 or subnormal below -126. A NaN stays one. */
ISA_INLINE vec vec_exp2(vec x) {
#ifdef ISA_SCALE_BY_POWER
  const vec r = ISA_FRACTION(x);
#else
  x = ISA_CLAMP(x, -127.0f, 128.5f);
  const float rounder = 12582912.0f + 127.0f; /* see vec_exp_near; half less rounds down */
  const vec shifted = (x - 0.5f) + rounder;
  const vec r = x - (shifted - rounder);
#endif
  vec p = r * 1.8775767e-3f + 8.98934002e-3f;
  p = p * r + 5.58263181e-2f;
  p = p * r + 2.40153617e-1f;
  p = p * r + 6.93153073e-1f;
  p = p * r + 9.99999925e-1f;
#ifdef ISA_SCALE_BY_POWER
  return ISA_SCALE_BY_POWER(p, x);
#else
  return p * (vec)((ivec)shifted << 23);
#endif
}

#ifndef ISA_LARGER
#define ISA_LARGER(x, y) vec_select((x) > (y), x, y)
#endif

static void find_peaks(float *peaks, const float *scores, int32_t keys) {
  vec peak[ISA_VECTORS];
  for (int32_t v = 0; v < ISA_VECTORS; v++) peak[v] = vec_load(scores + v * LANES);
  for (const float *end = scores + (int64_t)keys * PANEL; scores < end; scores += PANEL)
    ISA_UNROLL for (int32_t v = 0; v < ISA_VECTORS; v++) {
      const vec score = vec_load(scores + v * LANES);
      peak[v] = ISA_LARGER(score, peak[v]);
    }
  for (int32_t v = 0; v < ISA_VECTORS; v++) vec_store(peaks + v * LANES, peak[v]);
}

static void weigh(const cpu_weights *w) {
  const vec scale = vec_of(w->scale);
  vec total[ISA_VECTORS], reference[ISA_VECTORS];
  for (int32_t v = 0; v < ISA_VECTORS; v++) {
    total[v] = (vec){0};
    reference[v] = vec_load(w->reference + v * LANES);
  }
  float *at = w->scores;
  for (const float *end = at + (int64_t)w->keys * PANEL; at < end; at += PANEL)
    ISA_UNROLL for (int32_t v = 0; v < ISA_VECTORS; v++) {
      const vec weight = vec_exp2(vec_load(at + v * LANES) * scale - reference[v]);
      vec_store(at + v * LANES, weight);
      total[v] += weight;
    }
  for (int32_t v = 0; v < ISA_VECTORS; v++) vec_store(w->totals + v * LANES, total[v]);
}
