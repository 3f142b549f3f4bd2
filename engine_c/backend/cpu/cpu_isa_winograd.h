/* cpu_isa_winograd: the transforms of Winograd's convolution (Lavin and Gray 2015), as a part of
 * cpu_isa_body: out = A^T [(G g G^T) * (B^T d B)] A for a patch d of side x side pixels, a filter g
 * of 3 x 3 taps and (side - 2) x (side - 2) pixels out. side is 4 or 6, a constant in every copy.
 * Numbers of one place lie in a row; places are `stride` apart.
 *
 * The matrices follow from points at which polynomials are multiplied: 0, infinity, and pairs of
 * p and -p, whose lines differ in the sign of their odd half alone. 5/8 and 3/2 gave the least
 * error of the simple fractions (0.46 of that of 1 and 2; their powers are exact in f32). */
enum { WINOGRAD_MOST_SIDE = 6 };

typedef struct winograd_points {
  float all[2];       /* coefficients of x^0, x^2 of the product of x^2 - p^2; that of x^4 is 1 */
  float others[2];    /* of x^0, for each pair: the same without it; that of x^2 is 1 */
  float first;        /* 1 / all(0) */
  float filter[2][3]; /* p^k / (2 p^2 others(p)) */
  float powers[2][4]; /* p^k */
} winograd_points;

#define WINOGRAD_PAIR(p, o) {1 / (2 * (p) * (p) * (o)), 1 / (2 * (p) * (o)), 1 / (2 * (o))}
static const winograd_points WINOGRAD_POINTS[] = {
    {.all = {-1}, .first = -1, .filter = {WINOGRAD_PAIR(1.0f, 1.0f)}, .powers = {{1, 1}}},
    {.all = {225.0f / 256, -169.0f / 64},
     .others = {-9.0f / 4, -25.0f / 64},
     .first = 256.0f / 225,
     .filter = {WINOGRAD_PAIR(5.0f / 8, -119.0f / 64), WINOGRAD_PAIR(3.0f / 2, 119.0f / 64)},
     .powers = {{1, 5.0f / 8, 25.0f / 64, 125.0f / 512}, {1, 3.0f / 2, 9.0f / 4, 27.0f / 8}}}};
#undef WINOGRAD_PAIR

ISA_INLINE const winograd_points *winograd_points_of(const int32_t side) {
  return &WINOGRAD_POINTS[side == WINOGRAD_MOST_SIDE];
}

/* Every second value of d, times `count` coefficients and then 1. */
ISA_INLINE vec winograd_polynomial(const float *coefficients, const int32_t count, const vec *d) {
  vec sum = d[2 * count];
  ISA_UNROLL for (int32_t k = 0; k < count; k++) sum += d[2 * k] * coefficients[k];
  return sum;
}

/* B^T: `side` values to as many `to` apart. */
ISA_INLINE void winograd_input_line(vec *out, const int32_t to, const vec *d, const int32_t side) {
  const winograd_points *points = winograd_points_of(side);
  const int32_t pairs = side / 2 - 1;
  out[0] = winograd_polynomial(points->all, pairs, d);
  ISA_UNROLL for (int32_t i = 0; i < pairs; i++) {
    const vec even = winograd_polynomial(points->others + i, pairs - 1, d + 2);
    const vec odd = winograd_polynomial(points->others + i, pairs - 1, d + 1);
    out[(2 * i + 1) * to] = even + odd * points->powers[i][1];
    out[(2 * i + 2) * to] = even - odd * points->powers[i][1];
  }
  out[(side - 1) * to] = winograd_polynomial(points->all, pairs, d + 1);
}

/* G: three values to `side` `to` apart. */
ISA_INLINE void winograd_filter_line(vec *out, const int32_t to, const vec *g, const int32_t side) {
  const winograd_points *points = winograd_points_of(side);
  out[0] = g[0] * points->first;
  ISA_UNROLL for (int32_t i = 0; i < side / 2 - 1; i++) {
    const float *by = points->filter[i];
    const vec even = g[0] * by[0] + g[2] * by[2], odd = g[1] * by[1];
    out[(2 * i + 1) * to] = even + odd;
    out[(2 * i + 2) * to] = even - odd;
  }
  out[(side - 1) * to] = g[2];
}

/* A^T: `side` values to side - 2 `to` apart. */
ISA_INLINE void winograd_output_line(vec *out, const int32_t to, const vec *m, const int32_t side) {
  const winograd_points *points = winograd_points_of(side);
  ISA_UNROLL for (int32_t k = 0; k < side - 2; k++) {
    vec sum = k == 0 ? m[0] : k == side - 3 ? m[side - 1] : (vec){0};
    ISA_UNROLL for (int32_t i = 0; i < side / 2 - 1; i++) {
      const vec plus = m[2 * i + 1], minus = m[2 * i + 2];
      sum += (k % 2 ? plus - minus : plus + minus) * points->powers[i][k];
    }
    out[k * to] = sum;
  }
}

ISA_INLINE void winograd_input_of(float *out, size_t stride, const float *const *in, size_t count,
                                  const int32_t side) {
  for (size_t i = 0; i < count; i += LANES) {
    const size_t left = count - i;
    vec half[WINOGRAD_MOST_SIDE * WINOGRAD_MOST_SIDE], line[WINOGRAD_MOST_SIDE];
    ISA_UNROLL for (int32_t y = 0; y < side; y++) {
      ISA_UNROLL for (int32_t x = 0; x < side; x++) {
        const float *from = in[side * y + x] + i;
        line[x] = left < LANES ? vec_load_part(from, left) : vec_load(from);
      }
      winograd_input_line(half + y, side, line, side);
    }
    ISA_UNROLL for (int32_t x = 0; x < side; x++) {
      winograd_input_line(line, 1, half + side * x, side);
      ISA_UNROLL for (int32_t y = 0; y < side; y++) {
        float *to = out + (size_t)(side * y + x) * stride + i;
        if (left < LANES)
          vec_store_part(to, line[y], left);
        else
          vec_store(to, line[y]);
      }
    }
  }
}

/* out[side x side places][count] = B^T d B; in[side x side]: rows of `count` channels, or zeros. */
static void winograd_input(float *out, size_t stride, const float *const *in, size_t count,
                           int32_t side) {
  if (side == WINOGRAD_MOST_SIDE)
    winograd_input_of(out, stride, in, count, WINOGRAD_MOST_SIDE);
  else
    winograd_input_of(out, stride, in, count, 4);
}

ISA_INLINE void winograd_filter_of(float *out, size_t stride, const float *taps, size_t apart,
                                   size_t count, const int32_t side) {
  for (size_t i = 0; i < count; i += LANES) {
    vec half[3 * WINOGRAD_MOST_SIDE], g[3], line[WINOGRAD_MOST_SIDE];
    ISA_UNROLL for (int32_t y = 0; y < 3; y++) {
      ISA_UNROLL for (int32_t x = 0; x < 3; x++) g[x] =
          vec_load(taps + (size_t)(3 * y + x) * apart + i);
      winograd_filter_line(half + y, 3, g, side);
    }
    ISA_UNROLL for (int32_t x = 0; x < side; x++) {
      winograd_filter_line(line, 1, half + 3 * x, side);
      ISA_UNROLL for (int32_t y = 0; y < side; y++)
          vec_store(out + (size_t)(side * y + x) * stride + i, line[y]);
    }
  }
}

/* out[side x side places][count] = G g G^T; taps[9][count], `apart` from one to the next; count is
 * a multiple of LANES. */
static void winograd_filter(float *out, size_t stride, const float *taps, size_t apart,
                            size_t count, int32_t side) {
  if (side == WINOGRAD_MOST_SIDE)
    winograd_filter_of(out, stride, taps, apart, count, WINOGRAD_MOST_SIDE);
  else
    winograd_filter_of(out, stride, taps, apart, count, 4);
}

ISA_INLINE void winograd_output_of(float *const *out, const float *m, size_t stride, size_t count,
                                   const int32_t side) {
  for (size_t i = 0; i < count; i += LANES) {
    vec half[WINOGRAD_MOST_SIDE * (WINOGRAD_MOST_SIDE - 2)], line[WINOGRAD_MOST_SIDE];
    ISA_UNROLL for (int32_t x = 0; x < side; x++) {
      ISA_UNROLL for (int32_t y = 0; y < side; y++) line[y] =
          vec_load(m + (size_t)(side * y + x) * stride + i);
      winograd_output_line(half + x, side, line, side);
    }
    ISA_UNROLL for (int32_t y = 0; y < side - 2; y++) {
      winograd_output_line(line, 1, half + side * y, side);
      ISA_UNROLL for (int32_t x = 0; x < side - 2; x++) {
        float *to = out[(side - 2) * y + x];
        if (to) vec_store(to + i, line[x]);
      }
    }
  }
}

/* out[(side - 2) x (side - 2) pixels] = A^T m A, m[side x side places][count]; a pixel may be
 * NULL; count: multiple of LANES. */
static void winograd_output(float *const *out, const float *m, size_t stride, size_t count,
                            int32_t side) {
  if (side == WINOGRAD_MOST_SIDE)
    winograd_output_of(out, m, stride, count, WINOGRAD_MOST_SIDE);
  else
    winograd_output_of(out, m, stride, count, 4);
}
