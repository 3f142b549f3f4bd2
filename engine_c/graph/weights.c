/* weights: owns the table of names and shapes; never touches a weight's data. */
#include "graph/weights.h"

#include <stdlib.h>
#include <string.h>

#include "base/blocks.h"
#include "base/error.h"
#include "base/half.h"

static const int64_t WEIGHT_DIMENSION_LIMIT = 1 << 24;

static int weights_compare(const void *a, const void *b) {
  return strcmp(((const weight *)a)->name, ((const weight *)b)->name);
}

static sd_status weights_check(const sd_tensor *t, sd_error *error) {
  if (!t->name || !t->name[0]) return error_set(error, SD_BAD_MODEL, "a tensor has no name");
  if (t->rank < 1 || t->rank > 4)
    return error_set(error, SD_BAD_MODEL, "%s has %d dimensions; 1 to 4 are known", t->name,
                     t->rank);
  if ((int)t->dtype < SD_F32 || t->dtype > SD_Q6_K || t->dtype == SD_I32)
    return error_set(error, SD_BAD_MODEL, "%s is stored in an unknown number format", t->name);
  int64_t elements = 1;
  for (int i = 0; i < t->rank; i++) {
    if (t->shape[i] < 1 || t->shape[i] > WEIGHT_DIMENSION_LIMIT)
      return error_set(error, SD_BAD_MODEL, "%s has an impossible shape", t->name);
    elements *= t->shape[i];
    if (elements > (int64_t)1 << 36)
      return error_set(error, SD_BAD_MODEL, "%s has an impossible shape", t->name);
  }
  const int64_t row = t->rank == 1 ? elements : elements / t->shape[0];
  const size_t block = blocks_numbers(t->dtype);
  if (block && (size_t)row % block)
    return error_set(error, SD_BAD_MODEL, "%s has rows that are no whole blocks", t->name);
  return SD_OK;
}

static sd_status weights_copy(weight_table *table, const sd_tensor *t, sd_error *error) {
  size_t length = strlen(t->name) + 1;
  char *name = arena_take(&table->memory, length);
  if (!name) return error_set(error, SD_OUT_OF_MEMORY, "no memory for the table of weights");
  memcpy(name, t->name, length);
  weight *row = &table->rows[table->count++];
  *row = (weight){.name = name,
                  .data = t->data,
                  .source_dtype = t->dtype,
                  .dtype = t->dtype,
                  .rank = t->rank,
                  .mapping = t->mapping,
                  .mapping_bytes = t->mapping_bytes};
  for (int i = 0; i < 4; i++) row->shape[i] = i < t->rank ? t->shape[i] : 1;
  return SD_OK;
}

sd_status weights_open(weight_table *table, const sd_tensor *tensors, int32_t count,
                       sd_error *error) {
  *table = (weight_table){0};
  if (count < 1 || !tensors) return error_set(error, SD_BAD_MODEL, "the model has no tensors");
  table->rows = arena_take(&table->memory, (size_t)count * sizeof *table->rows);
  if (!table->rows) return error_set(error, SD_OUT_OF_MEMORY, "no memory for the table of weights");
  for (int32_t i = 0; i < count; i++) {
    sd_status status = weights_check(&tensors[i], error);
    if (!status) status = weights_copy(table, &tensors[i], error);
    if (status) return status;
  }
  qsort(table->rows, (size_t)count, sizeof *table->rows, weights_compare);
  for (int32_t i = 1; i < count; i++)
    if (!weights_compare(&table->rows[i - 1], &table->rows[i]))
      return error_set(error, SD_BAD_MODEL, "%s is there twice", table->rows[i].name);
  return SD_OK;
}

void weights_close(weight_table *table) {
  arena_free(&table->memory);
  *table = (weight_table){0};
}

weight *weights_find(const weight_table *table, const char *name) {
  weight key = {.name = name};
  return bsearch(&key, table->rows, (size_t)table->count, sizeof key, weights_compare);
}

int64_t weights_elements(const weight *w) {
  return w->shape[0] * w->shape[1] * w->shape[2] * w->shape[3];
}

int64_t weights_source_bytes(const weight *w) {
  return (int64_t)half_bytes(w->dtype, (size_t)weights_elements(w));
}

int64_t weights_parameters(const weight_table *table, const char *prefix) {
  int64_t total = 0;
  for (int32_t i = 0; i < table->count; i++)
    if (!strncmp(table->rows[i].name, prefix, strlen(prefix)))
      total += weights_elements(&table->rows[i]);
  return total;
}
