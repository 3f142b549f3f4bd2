/* cpu_isa_norm: norms of stored rows, from memory through registers to memory; included by
 * cpu_isa_body.h. Knows no group and no node. */

enum {
  NORM_RUN = 32,  /* numbers that a lane adds in f32 before they are added in double */
  NORM_STRIP = 4, /* vectors of a row side by side: some lines of the cache */
  LINE_BYTES = 64
};

typedef double dvec_memory __attribute__((vector_size(ISA_BYTES * 2), aligned(8), may_alias));

/* body(rows, in, out) with constant dtypes. */
#define NORM_BY_DTYPES(body, rows)                            \
  (rows)->dtype == SD_F32   ? NORM_BY_OUT(body, rows, SD_F32) \
  : (rows)->dtype == SD_F16 ? NORM_BY_OUT(body, rows, SD_F16) \
                            : NORM_BY_OUT(body, rows, SD_BF16)
#define NORM_BY_OUT(body, rows, in)                      \
  (rows)->out_dtype == SD_F32   ? body(rows, in, SD_F32) \
  : (rows)->out_dtype == SD_F16 ? body(rows, in, SD_F16) \
                                : body(rows, in, SD_BF16)

/* to[0..left), or of a vector, += the lanes. */
ISA_INLINE void moments_add(double *to, vec run, size_t left) {
  if (left >= LANES) {
    *(dvec_memory *)to += __builtin_convertvector(run, dvec);
  } else {
    float lanes[LANES];
    vec_store(lanes, run);
    for (size_t i = 0; i < left; i++) to[i] += (double)lanes[i];
  }
}

/* Rows [row, end) of a strip of `vectors` vectors, whole ones if there are several, from channel c
 * on. Strips jump from row to row, so the next run's are asked for ahead. */
ISA_INLINE void moments_strip(const cpu_moments *m, const sd_dtype dtype, int32_t row, int32_t end,
                              size_t c, const int32_t vectors) {
  const size_t bytes = bytes_of(dtype), row_bytes = (size_t)m->channels * bytes;
  const size_t left = vectors > 1 ? LANES : (size_t)m->channels - c;
  const char *at = (const char *)m->in + (size_t)row * row_bytes + c * bytes;
  vec shift[NORM_STRIP], sum[NORM_STRIP], squares[NORM_STRIP];
  ISA_UNROLL for (int32_t v = 0; v < vectors; v++) {
    shift[v] = vec_read(m->shift + c + v * LANES, SD_F32, left);
    sum[v] = squares[v] = (vec){0};
  }
  for (int32_t r = row; r < end; r++, at += row_bytes) {
    ISA_UNROLL for (int32_t v = 0; v < vectors; v++) {
      const size_t byte = (size_t)(v * LANES) * bytes;
      if (byte % LINE_BYTES == 0) __builtin_prefetch(at + byte + NORM_RUN * row_bytes);
      const vec x = vec_read(at + byte, dtype, left) - shift[v];
      sum[v] += x;
      squares[v] += x * x;
    }
  }
  ISA_UNROLL for (int32_t v = 0; v < vectors; v++) {
    moments_add(m->sum + c + v * LANES, sum[v], left);
    moments_add(m->squares + c + v * LANES, squares[v], left);
  }
}

ISA_INLINE void moments_of(const cpu_moments *m, const sd_dtype dtype) {
  const size_t channels = (size_t)m->channels, strip = NORM_STRIP * LANES;
  for (int32_t row = 0; row < m->rows; row += NORM_RUN) {
    const int32_t end = m->rows - row < NORM_RUN ? m->rows : row + NORM_RUN;
    size_t c = 0;
    for (; c + strip <= channels; c += strip) moments_strip(m, dtype, row, end, c, NORM_STRIP);
    for (; c < channels; c += LANES) moments_strip(m, dtype, row, end, c, 1);
  }
}

static void add_moments(const cpu_moments *m) {
  if (m->dtype == SD_F32) moments_of(m, SD_F32);
  if (m->dtype == SD_F16) moments_of(m, SD_F16);
  if (m->dtype == SD_BF16) moments_of(m, SD_BF16);
}

ISA_INLINE void scale_step(const cpu_norm_rows *n, char *to, const char *from, size_t c,
                           size_t left, const sd_dtype in, const sd_dtype out) {
  const vec center = vec_read(n->center + c, SD_F32, left);
  const vec scale = vec_read(n->scale + c, SD_F32, left);
  const vec shift = vec_read(n->shift + c, SD_F32, left);
  vec x = (vec_read(from + c * bytes_of(in), in, left) - center) * scale + shift;
  if (n->is_silu) x = vec_silu(x);
  vec_write(to + c * bytes_of(out), x, out, left);
}

ISA_INLINE void scale_of(const cpu_norm_rows *rows, const sd_dtype in, const sd_dtype out) {
  const cpu_norm_rows n = *rows; /* so that no store is taken to change it */
  const size_t channels = (size_t)n.channels;
  const char *from = n.in;
  char *to = n.out;
  for (int32_t row = 0; row < n.rows; row++) {
    size_t c = 0;
    for (; c + LANES <= channels; c += LANES) scale_step(&n, to, from, c, LANES, in, out);
    if (c < channels) scale_step(&n, to, from, c, channels - c, in, out);
    from += channels * bytes_of(in);
    to += (size_t)n.stride * bytes_of(out);
  }
}

static void scale_rows(const cpu_norm_rows *n) { NORM_BY_DTYPES(scale_of, n); }

typedef struct row_moments {
  double mean, squares, variance; /* of the numbers less a shift */
} row_moments;

ISA_INLINE row_moments moments_of_row(const char *at, const sd_dtype dtype, float shift,
                                      size_t channels) {
  dvec sums = {0}, square_sums = {0};
  for (size_t c = 0; c < channels;) {
    vec sum = {0}, squares = {0};
    for (int32_t step = 0; step < NORM_RUN && c < channels; step++, c += LANES) {
      vec x = vec_read(at + c * bytes_of(dtype), dtype, channels - c) - shift;
      if (channels - c < LANES) x = vec_load_part((const float *)&x, channels - c);
      sum += x;
      squares += x * x;
    }
    sums += __builtin_convertvector(sum, dvec);
    square_sums += __builtin_convertvector(squares, dvec);
  }
  const double part = 1.0 / (double)channels;
  row_moments m = {0};
  for (int32_t lane = 0; lane < LANES / 2; lane++) {
    m.mean += sums[lane] + sums[lane + LANES / 2];
    m.squares += square_sums[lane] + square_sums[lane + LANES / 2];
  }
  m.mean *= part;
  const double variance = m.squares * part - m.mean * m.mean;
  m.variance = variance > 0 ? variance : 0;
  return m;
}

/* out = ((in - shift) - rest) * factor, before scale and shift of the channel. */
typedef struct row_scale {
  float shift, rest, factor;
} row_scale;

ISA_INLINE void layer_norm_step(const cpu_norm_rows *n, char *to, const char *from, size_t c,
                                size_t left, row_scale by, const sd_dtype in, const sd_dtype out) {
  const vec scale = vec_read(n->scale + c, SD_F32, left);
  const vec shift = vec_read(n->shift + c, SD_F32, left);
  const vec x = ((vec_read(from + c * bytes_of(in), in, left) - by.shift) - by.rest) * by.factor;
  vec_write(to + c * bytes_of(out), x * scale + shift, out, left);
}

/* Where the first number is far from the mean, which then would hide the deviation, the row is
 * measured once more from there. */
ISA_INLINE int32_t layer_norm_of(const cpu_norm_rows *n, const sd_dtype in, const sd_dtype out) {
  const size_t channels = (size_t)n->channels;
  const char *from = n->in;
  char *to = n->out;
  int32_t is_finite = 1;
  for (int32_t row = 0; row < n->rows; row++) {
    float shift = vec_read(from, in, channels)[0];
    row_moments m = moments_of_row(from, in, shift, channels);
    if (m.mean * m.mean > 4 * m.variance) {
      shift += (float)m.mean;
      m = moments_of_row(from, in, shift, channels);
    }
    if (!isfinite(m.squares)) is_finite = 0;
    const row_scale by = {shift, (float)m.mean, (float)(1.0 / sqrt(m.variance + (double)n->eps))};
    size_t c = 0;
    for (; c + LANES <= channels; c += LANES) layer_norm_step(n, to, from, c, LANES, by, in, out);
    if (c < channels) layer_norm_step(n, to, from, c, channels - c, by, in, out);
    from += channels * bytes_of(in);
    to += (size_t)n->stride * bytes_of(out);
  }
  return is_finite;
}

static int32_t layer_norm_rows(const cpu_norm_rows *n) { return NORM_BY_DTYPES(layer_norm_of, n); }
