/* tensor: sizes. */
#include "graph/tensor.h"

#include "base/half.h"

int64_t tensor_bytes(const tensor *t) {
  return tensor_count(t) * (int64_t)half_dtype_bytes(t->dtype);
}
