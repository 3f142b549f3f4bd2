/* blocks: the block formats of ggml, in which GGUF files hold quantised weights. A block is some
 * numbers of one row that share scales. Source: the layouts in ggml's ggml-common.h; all words are
 * little-endian. */
#ifndef BASE_BLOCKS_H
#define BASE_BLOCKS_H

#include "engine.h"

/* Numbers and bytes of one block; 0 for a dtype without blocks. */
size_t blocks_numbers(sd_dtype dtype);
size_t blocks_bytes(sd_dtype dtype);

/* out[0..count) as f32 from number `first` on of the blocks at `source`, of a block format. Neither
 * end need be a block's. Bytes of any value give numbers, NaN and infinity where a scale is one. */
void blocks_unpack(float *out, const void *source, sd_dtype dtype, size_t first, size_t count);

#endif
