/* cpu_isa_sums: a product's sums on their way to storage, from registers to memory, as a part of
 * cpu_isa_body. Knows neither tiles nor nodes. */

/* The last three are constants in every copy. */
ISA_INLINE void sums_of(const cpu_sums *sums, const int has_residual, const sd_dtype residual,
                        const sd_dtype out) {
  const cpu_sums s = *sums; /* so that no store is taken to change it */
  const size_t count = (size_t)s.count, row_bytes = (size_t)s.out_stride * bytes_of(out);
  const float *at = s.sums;
  const char *add = s.residual;
  char *to = s.out;
  for (int32_t row = 0; row < s.rows; row++, at += s.stride, to += row_bytes) {
    for (size_t c = 0; c < count; c += LANES) {
      vec x = vec_read(at + c, SD_F32, count - c);
      if (s.base) x += vec_read(s.base + c, SD_F32, count - c);
      if (has_residual) x += vec_read(add + c * bytes_of(residual), residual, count - c);
      vec_write(to + c * bytes_of(out), x, out, count - c);
    }
    if (has_residual) add += (size_t)s.residual_stride * bytes_of(residual);
  }
}

ISA_INLINE void gated_sums_of(const cpu_sums *sums, const sd_dtype out) {
  const cpu_sums s = *sums;
  const size_t count = (size_t)s.count, row_bytes = (size_t)s.out_stride * bytes_of(out);
  const float *at = s.sums;
  char *to = s.out;
  for (int32_t row = 0; row < s.rows; row++, at += s.stride, to += row_bytes)
    for (size_t c = 0; c < count; c += LANES) {
      vec x = vec_read(at + c, SD_F32, count - c);
      vec gate = vec_read(at + PANEL + c, SD_F32, count - c);
      if (s.base) x += vec_read(s.base + c, SD_F32, count - c);
      if (s.base) gate += vec_read(s.base + PANEL + c, SD_F32, count - c);
      vec_write(to + c * bytes_of(out), x * vec_gelu(gate), out, count - c);
    }
}

ISA_INLINE void sums_to(const cpu_sums *s, const sd_dtype out) {
  if (!s->residual)
    sums_of(s, 0, SD_F32, out);
  else if (s->residual_dtype == SD_F32)
    sums_of(s, 1, SD_F32, out);
  else if (s->residual_dtype == SD_F16)
    sums_of(s, 1, SD_F16, out);
  else
    sums_of(s, 1, SD_BF16, out);
}

static void store_sums(const cpu_sums *s) {
  if (s->out_dtype == SD_F32) sums_to(s, SD_F32);
  if (s->out_dtype == SD_F16) sums_to(s, SD_F16);
  if (s->out_dtype == SD_BF16) sums_to(s, SD_BF16);
}

static void store_gated_sums(const cpu_sums *s) {
  if (s->out_dtype == SD_F32) gated_sums_of(s, SD_F32);
  if (s->out_dtype == SD_F16) gated_sums_of(s, SD_F16);
  if (s->out_dtype == SD_BF16) gated_sums_of(s, SD_BF16);
}
