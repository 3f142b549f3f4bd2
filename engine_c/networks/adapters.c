/* adapters: see adapters.h. A factor is made a product of two f32 matrices, or stays the matrix
 * that it is; a weight is then merged row by row, each row by one thread. */
#include "networks/adapters.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/half.h"

enum { ADAPTERS_RANK_LIMIT = 1 << 14, ADAPTERS_ROW_BUFFERS = 3 };

/* ---- the list ---- */

typedef struct adapter_place {
  weight *target;
  int32_t index; /* among the adapters that were given */
} adapter_place;

static int adapters_order(const void *a, const void *b) {
  const adapter_place *x = a, *y = b;
  if (x->target != y->target) return x->target < y->target ? -1 : 1;
  return x->index < y->index ? -1 : x->index > y->index;
}

static int64_t adapters_taps(const weight *w) { return w->shape[2] * w->shape[3]; }

static int adapters_is_factor(const sd_factor *f) {
  int is_float = (int)f->dtype >= SD_F32 && f->dtype <= SD_F8_E5M2;
  int has_shape = f->rows > 0 && f->columns > 0 && f->taps > 0;
  int has_parts = f->up && f->rank >= 0 && f->rank <= ADAPTERS_RANK_LIMIT &&
                  (f->rank ? f->down != NULL : !f->down && !f->mid);
  return is_float && has_shape && has_parts;
}

static int adapters_has_shape(const sd_factor *f, int64_t rows, int64_t columns, int64_t taps) {
  return f->rows == rows && f->columns == columns && f->taps == taps;
}

static int adapters_fits(const sd_adapter *a, const weight *w) {
  const sd_factor *first = &a->first, *second = &a->second;
  const int64_t rows = w->shape[0], columns = w->shape[1], taps = adapters_taps(w);
  if (!adapters_is_factor(first)) return 0;
  if (a->kind == SD_ADAPTER_PLAIN) return adapters_has_shape(first, rows, columns, taps);
  if (!adapters_is_factor(second)) return 0;
  if (a->kind == SD_ADAPTER_HADAMARD)
    return adapters_has_shape(first, rows, columns, taps) &&
           adapters_has_shape(second, rows, columns, taps);
  return a->kind == SD_ADAPTER_KRONECKER && first->taps == 1 && second->taps == taps &&
         (int64_t)first->rows * second->rows == rows &&
         (int64_t)first->columns * second->columns == columns;
}

static sd_status adapters_check(const sd_adapter *a, const weight *w, sd_error *error) {
  const char *name = a->name ? a->name : "";
  if (!w) return error_set(error, SD_BAD_ARGUMENT, "the model has no weight %s to adapt", name);
  if (w->kind == WEIGHT_TABLE)
    return error_set(error, SD_BAD_ARGUMENT, "%s is a table of rows, which has no adapters", name);
  if (!isfinite(a->scale))
    return error_set(error, SD_BAD_ARGUMENT, "the adapter of %s has no finite scale", name);
  if (!adapters_fits(a, w))
    return error_set(error, SD_BAD_ARGUMENT, "the adapter of %s has another shape than it", name);
  return SD_OK;
}

/* The adapters, checked, by weight; those of one weight in the order that was given. */
static sd_status adapters_sort(sd_adapter *out, adapter_place *places, const sd_model *model,
                               const sd_adapter *adapters, int32_t count, sd_error *error) {
  for (int32_t i = 0; i < count; i++) {
    weight *w = adapters[i].name ? weights_find(&model->weights, adapters[i].name) : NULL;
    sd_status status = adapters_check(&adapters[i], w, error);
    if (status) return status;
    places[i] = (adapter_place){w, i};
  }
  qsort(places, (size_t)count, sizeof *places, adapters_order);
  for (int32_t i = 0; i < count; i++) {
    out[i] = adapters[places[i].index];
    out[i].name = places[i].target->name;
  }
  return SD_OK;
}

static int adapters_same_factor(const sd_factor *a, const sd_factor *b) {
  return a->up == b->up && a->mid == b->mid && a->down == b->down && a->dtype == b->dtype &&
         a->rows == b->rows && a->columns == b->columns && a->taps == b->taps &&
         a->rank == b->rank && a->up_is_transposed == b->up_is_transposed;
}

static int adapters_same(const sd_adapter *a, const sd_adapter *b, int32_t count) {
  for (int32_t i = 0; i < count; i++)
    if (a[i].kind != b[i].kind || a[i].scale != b[i].scale ||
        !adapters_same_factor(&a[i].first, &b[i].first) ||
        !adapters_same_factor(&a[i].second, &b[i].second))
      return 0;
  return 1;
}

/* 1 if the weight was packed with others. */
static int adapters_give(sd_model *model, weight *w, const sd_adapter *own, int32_t count) {
  int changed = count != w->adapter_count || !adapters_same(own, w->adapters, count);
  w->adapters = count ? own : NULL;
  w->adapter_count = count;
  if (!changed) return 0;
  int was_packed = w->packed != NULL;
  if (was_packed) model->backend->table->drop(model->backend, w);
  w->dtype = count && w->source_dtype != SD_F32 ? SD_F16 : w->source_dtype;
  return was_packed;
}

/* `sorted`: the new adapters. Weights lie in the order of the sort. */
static void adapters_take_over(sd_model *model, const sd_adapter *sorted, int32_t count) {
  const sd_adapter *next = sorted, *end = sorted + count;
  int dropped = 0;
  for (int32_t i = 0; i < model->weights.count; i++) {
    weight *w = &model->weights.rows[i];
    int32_t own = 0;
    while (next + own < end && next[own].name == w->name) own++;
    dropped |= adapters_give(model, w, next, own);
    next += own;
  }
  /* The arena of the last picture makes way, so that merging fits into what was forecast. */
  if (dropped) model->backend->table->reserve(model->backend, 0, NULL);
}

sd_status adapters_set(sd_model *model, const sd_adapter *adapters, int32_t count,
                       sd_error *error) {
  if (count < 0) return error_set(error, SD_BAD_ARGUMENT, "the count of adapters is negative");
  arena memory = {0}, scratch = {0};
  sd_adapter *sorted = arena_take(&memory, (size_t)count * sizeof *sorted);
  adapter_place *places = arena_take(&scratch, (size_t)count * sizeof *places);
  if (count && !model->merging) model->merging = threads_open(model->threads, model->stop);
  sd_status status = SD_OK;
  if (!sorted || !places || (count && !model->merging))
    status = error_set(error, SD_OUT_OF_MEMORY, "no memory for the list of adapters");
  if (!status) status = adapters_sort(sorted, places, model, adapters, count, error);
  arena_free(&scratch);
  if (status) {
    arena_free(&memory);
    return status;
  }
  adapters_take_over(model, sorted, count);
  arena_free(&model->adapter_memory);
  model->adapter_memory = memory;
  return SD_OK;
}

void adapters_close(sd_model *model) {
  threads_close(model->merging);
  arena_free(&model->adapter_memory);
}

/* ---- the merge ---- */

/* left [rows][rank] times right [rank][width], or with rank 0 rows of `width` as they are stored.
 */
typedef struct merge_factor {
  const float *left, *right;
  const char *stored;
  sd_dtype dtype;
  int32_t rank;
  int64_t width;
} merge_factor;

typedef struct merge_term {
  const sd_adapter *adapter;
  merge_factor first, second;
} merge_term;

typedef struct merge {
  const weight *weight;
  const merge_term *terms;
  char *out;
  float *rows;   /* ADAPTERS_ROW_BUFFERS of a worker */
  int64_t width; /* of a row */
} merge;

static void merge_axpy4(float *out, const float *from, int64_t width, const float *by) {
  const float *a = from, *b = a + width, *c = b + width, *d = c + width;
  const float w = by[0], x = by[1], y = by[2], z = by[3];
  for (int64_t i = 0; i < width; i++) out[i] += w * a[i] + x * b[i] + y * c[i] + z * d[i];
}

static void merge_factor_row(float *out, const merge_factor *f, int64_t row) {
  if (!f->rank) {
    const int64_t bytes = f->width * (int64_t)half_dtype_bytes(f->dtype);
    half_unpack(out, f->stored + row * bytes, f->dtype, (size_t)f->width);
    return;
  }
  memset(out, 0, (size_t)f->width * sizeof *out);
  const float *left = f->left + row * f->rank;
  int32_t p = 0;
  for (; p + 4 <= f->rank; p += 4) merge_axpy4(out, f->right + p * f->width, f->width, left + p);
  for (; p < f->rank; p++)
    for (int64_t i = 0; i < f->width; i++) out[i] += left[p] * f->right[p * f->width + i];
}

/* sum += scale * row of what the term adds; two buffers of a row's width are free to use. */
static void merge_add_row(float *sum, const merge_term *t, int64_t row, int64_t width,
                          float *buffers) {
  float *first = buffers, *second = buffers + width;
  const float scale = t->adapter->scale;
  if (t->adapter->kind == SD_ADAPTER_KRONECKER) { /* out[a b][c d] = first[a][c] second[b][d] */
    const int64_t inner = t->adapter->second.rows;
    merge_factor_row(first, &t->first, row / inner);
    merge_factor_row(second, &t->second, row % inner);
    for (int64_t c = 0; c < t->first.width; c++)
      for (int64_t d = 0; d < t->second.width; d++)
        sum[c * t->second.width + d] += scale * first[c] * second[d];
    return;
  }
  merge_factor_row(first, &t->first, row);
  if (t->adapter->kind == SD_ADAPTER_HADAMARD) {
    merge_factor_row(second, &t->second, row);
    for (int64_t i = 0; i < width; i++) first[i] *= second[i];
  }
  for (int64_t i = 0; i < width; i++) sum[i] += scale * first[i];
}

static void merge_row(void *user, int64_t row, int32_t worker) {
  const merge *m = user;
  const weight *w = m->weight;
  float *sum = m->rows + (int64_t)worker * ADAPTERS_ROW_BUFFERS * m->width;
  const int64_t bytes = m->width * (int64_t)half_dtype_bytes(w->dtype);
  half_unpack_from(sum, w->data, w->source_dtype, (size_t)(row * m->width), (size_t)m->width);
  for (int32_t i = 0; i < w->adapter_count; i++)
    merge_add_row(sum, &m->terms[i], row, m->width, sum + m->width);
  half_pack(m->out + row * bytes, sum, w->dtype, (size_t)m->width);
}

/* ---- factors as f32 ---- */

static size_t merge_factor_floats(const sd_factor *f) {
  if (!f->rank) return 0;
  const size_t rank = (size_t)f->rank, columns = (size_t)f->columns, taps = (size_t)f->taps;
  const size_t mid = f->mid ? rank * rank * taps + rank * columns : 0;
  return (size_t)f->rows * rank + rank * columns * taps + mid;
}

static const float *merge_left(float **memory, const sd_factor *f) {
  float *out = *memory;
  *memory += (size_t)f->rows * (size_t)f->rank;
  if (!f->up_is_transposed) {
    half_unpack(out, f->up, f->dtype, (size_t)f->rows * (size_t)f->rank);
    return out;
  }
  const size_t size = half_dtype_bytes(f->dtype);
  for (int64_t p = 0; p < f->rank; p++)
    for (int64_t row = 0; row < f->rows; row++)
      half_unpack(&out[row * f->rank + p], (const char *)f->up + (size_t)(p * f->rows + row) * size,
                  f->dtype, 1);
  return out;
}

/* out[p][column][tap] = sum over q of mid[p][q][tap] * down[q][column] */
static void merge_middle(float *out, const float *mid, const float *down, const sd_factor *f) {
  for (int64_t p = 0; p < f->rank; p++)
    for (int64_t q = 0; q < f->rank; q++)
      for (int64_t column = 0; column < f->columns; column++)
        for (int64_t tap = 0; tap < f->taps; tap++)
          out[(p * f->columns + column) * f->taps + tap] +=
              mid[(p * f->rank + q) * f->taps + tap] * down[q * f->columns + column];
}

static const float *merge_right(float **memory, const sd_factor *f) {
  const size_t rank = (size_t)f->rank, columns = (size_t)f->columns, taps = (size_t)f->taps;
  float *out = *memory;
  *memory += rank * columns * taps;
  if (!f->mid) {
    half_unpack(out, f->down, f->dtype, rank * columns * taps);
    return out;
  }
  float *mid = *memory, *down = mid + rank * rank * taps;
  *memory = down + rank * columns;
  half_unpack(mid, f->mid, f->dtype, rank * rank * taps);
  half_unpack(down, f->down, f->dtype, rank * columns);
  memset(out, 0, rank * columns * taps * sizeof *out);
  merge_middle(out, mid, down, f);
  return out;
}

static merge_factor merge_prepare(float **memory, const sd_factor *f) {
  merge_factor out = {
      .stored = f->up, .dtype = f->dtype, .rank = f->rank, .width = (int64_t)f->columns * f->taps};
  if (f->rank) {
    out.left = merge_left(memory, f);
    out.right = merge_right(memory, f);
  }
  return out;
}

/* ---- upload ---- */

static int64_t merge_width(const weight *w) { return weights_elements(w) / w->shape[0]; }

/* Rows of all workers and the factors of all adapters, in floats; the merged weight comes behind.
 */
static size_t merge_floats(const sd_model *model, const weight *w) {
  size_t floats = (size_t)(threads_count(model->merging) * ADAPTERS_ROW_BUFFERS * merge_width(w));
  for (int32_t i = 0; i < w->adapter_count; i++)
    floats +=
        merge_factor_floats(&w->adapters[i].first) + merge_factor_floats(&w->adapters[i].second);
  return floats;
}

int64_t adapters_merge_bytes(const sd_model *model, const weight *w) {
  if (!w->adapter_count) return 0;
  const size_t terms = (size_t)w->adapter_count * sizeof(merge_term);
  const size_t merged = (size_t)weights_elements(w) * half_dtype_bytes(w->dtype);
  return (int64_t)(terms + merge_floats(model, w) * sizeof(float) + merged);
}

static void merge_run(const sd_model *model, const weight *w, void *memory) {
  merge_term *terms = memory;
  float *floats = (float *)(terms + w->adapter_count);
  merge m = {.weight = w,
             .terms = terms,
             .rows = floats,
             .out = (char *)(floats + merge_floats(model, w)),
             .width = merge_width(w)};
  floats += threads_count(model->merging) * ADAPTERS_ROW_BUFFERS * m.width;
  for (int32_t i = 0; i < w->adapter_count; i++) {
    terms[i].adapter = &w->adapters[i];
    terms[i].first = merge_prepare(&floats, &w->adapters[i].first);
    if (w->adapters[i].kind != SD_ADAPTER_PLAIN)
      terms[i].second = merge_prepare(&floats, &w->adapters[i].second);
  }
  threads_run(model->merging, w->shape[0], merge_row, &m);
}

static sd_status adapters_upload_merged(sd_model *model, weight *w, sd_error *error) {
  const size_t bytes = (size_t)adapters_merge_bytes(model, w);
  const size_t merged_bytes = (size_t)weights_elements(w) * half_dtype_bytes(w->dtype);
  char *memory = arena_pages(bytes);
  if (!memory)
    return error_set(error, SD_OUT_OF_MEMORY, "no memory to add LoRAs to the weights (%.1f MB)",
                     (double)bytes / 1e6);
  const void *data = w->data;
  const void *mapping = w->mapping;
  const size_t data_bytes = half_bytes(w->source_dtype, (size_t)weights_elements(w));
  if (mapping) arena_fetch_mapped(data, data_bytes);
  merge_run(model, w, memory);
  w->data = memory + bytes - merged_bytes;
  w->mapping = NULL;
  sd_status status = atomic_load(model->stop) /* the pool may have left rows out */
                         ? error_set(error, SD_CANCELLED, "cancelled")
                         : model->backend->table->upload(model->backend, w, error);
  w->data = data;
  w->mapping = mapping;
  if (mapping) arena_drop_mapped(mapping, (size_t)w->mapping_bytes);
  arena_pages_free(memory, bytes);
  return status;
}

sd_status adapters_upload(sd_model *model, weight *w, sd_error *error) {
  const int is_other = w->packed_in_bf16 != w->in_bf16 || w->packed_in_phases != w->in_phases;
  if (w->packed && is_other) model->backend->table->drop(model->backend, w);
  if (w->packed || !w->adapter_count || !w->data)
    return model->backend->table->upload(model->backend, w, error);
  return adapters_upload_merged(model, w, error);
}
