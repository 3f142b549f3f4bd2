/* cpu_isa_winograd: the transforms of Winograd's F(2x2, 3x3) (Lavin and Gray 2015), as a part of
 * cpu_isa_body: out = A^T [(G g G^T) * (B^T d B)] A for a patch d of 4 x 4 pixels, a filter g of
 * 3 x 3 taps and 2 x 2 pixels out. Numbers of one place lie in a row; places are `stride` apart. */

/* B^T: four values `step` apart, in place. */
ISA_INLINE void winograd_input_line(vec *d, const int32_t step) {
  const vec first = d[0] - d[2 * step], second = d[step] + d[2 * step];
  const vec third = d[2 * step] - d[step], fourth = d[step] - d[3 * step];
  d[0] = first;
  d[step] = second;
  d[2 * step] = third;
  d[3 * step] = fourth;
}

/* out[16 places][count] = B^T d B; in[16]: rows of `count` channels, or zeros. */
static void winograd_input(float *out, size_t stride, const float *const *in, size_t count) {
  for (size_t i = 0; i < count; i += LANES) {
    const size_t left = count - i;
    vec d[16];
    ISA_UNROLL for (int32_t p = 0; p < 16; p++) d[p] =
        left < LANES ? vec_load_part(in[p] + i, left) : vec_load(in[p] + i);
    ISA_UNROLL for (int32_t column = 0; column < 4; column++) winograd_input_line(d + column, 4);
    ISA_UNROLL for (int32_t row = 0; row < 4; row++) winograd_input_line(d + 4 * row, 1);
    for (int32_t p = 0; p < 16; p++) {
      float *to = out + (size_t)p * stride + i;
      if (left < LANES)
        vec_store_part(to, d[p], left);
      else
        vec_store(to, d[p]);
    }
  }
}

/* G: three values `from` apart to four `to` apart. */
ISA_INLINE void winograd_filter_line(vec *out, const int32_t to, const vec *g, const int32_t from) {
  const vec ends = (g[0] + g[2 * from]) * 0.5f, middle = g[from] * 0.5f;
  out[0] = g[0];
  out[to] = ends + middle;
  out[2 * to] = ends - middle;
  out[3 * to] = g[2 * from];
}

/* out[16 places][count] = G g G^T; taps[9][count]; count is a multiple of LANES. */
static void winograd_filter(float *out, size_t stride, const float *taps, size_t count) {
  for (size_t i = 0; i < count; i += LANES) {
    vec g[9], half[12], u[16];
    ISA_UNROLL for (int32_t tap = 0; tap < 9; tap++) g[tap] =
        vec_load(taps + (size_t)tap * count + i);
    ISA_UNROLL for (int32_t x = 0; x < 3; x++) winograd_filter_line(half + x, 3, g + x, 3);
    ISA_UNROLL for (int32_t y = 0; y < 4; y++) winograd_filter_line(u + 4 * y, 1, half + 3 * y, 1);
    ISA_UNROLL for (int32_t p = 0; p < 16; p++) vec_store(out + (size_t)p * stride + i, u[p]);
  }
}

/* out[4 pixels] = A^T m A, m[16 places][count]; a pixel may be NULL; count: multiple of LANES. */
static void winograd_output(float *const *out, const float *m, size_t stride, size_t count) {
  for (size_t i = 0; i < count; i += LANES) {
    vec half[8];
    ISA_UNROLL for (int32_t x = 0; x < 4; x++) {
      vec line[4];
      ISA_UNROLL for (int32_t y = 0; y < 4; y++) line[y] =
          vec_load(m + (size_t)(4 * y + x) * stride + i);
      half[x] = line[0] + line[1] + line[2];
      half[4 + x] = line[1] - line[2] - line[3];
    }
    for (int32_t y = 0; y < 2; y++) {
      const vec *line = half + 4 * y;
      const vec pixel[2] = {line[0] + line[1] + line[2], line[1] - line[2] - line[3]};
      for (int32_t x = 0; x < 2; x++) {
        float *to = out[2 * y + x];
        if (to) vec_store(to + i, pixel[x]);
      }
    }
  }
}
