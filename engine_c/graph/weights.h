/* weights: the model's table of weights by name. Owns names and records, not the data. */
#ifndef GRAPH_WEIGHTS_H
#define GRAPH_WEIGHTS_H

#include "base/arena.h"
#include "graph/tensor.h"

typedef struct weight_table {
  arena memory;
  weight *rows; /* sorted by name */
  int32_t count;
} weight_table;

/* Copies names and shapes; refuses bad ranks, shapes, dtypes, rows that are no whole blocks and
 * names that come twice. */
sd_status weights_open(weight_table *table, const sd_tensor *tensors, int32_t count,
                       sd_error *error);
void weights_close(weight_table *table);

weight *weights_find(const weight_table *table, const char *name); /* NULL: not there */

/* Numbers in all weights whose name begins with `prefix`. */
int64_t weights_parameters(const weight_table *table, const char *prefix);

int64_t weights_elements(const weight *w);
int64_t weights_source_bytes(const weight *w);

#endif
