/* conditioning: from encoded chunks to what the UNet attends to. */
#ifndef SAMPLING_CONDITIONING_H
#define SAMPLING_CONDITIONING_H

#include "sampling/frame.h"

/* Weighs the encoded chunks [chunk_count][77][width] of a prompt in place, token by token, and
 * scales each chunk back to its former mean, as A1111's "Original" emphasis does. A chunk whose
 * weights are all 1 is left as it is. */
void conditioning_weigh(float *encoded, const sd_prompt *prompt, int32_t width);

/* The row of a chunk's first end token, which is the vocabulary's last; the last row without one.
 */
int32_t conditioning_end(const int32_t chunk[77], int32_t vocabulary);

/* Each size's timestep embedding, one after the other: out [MODEL_SIZES][MODEL_SIZE_WIDTH], as
 * ops_timestep_embedding has it. */
void conditioning_sizes(float *out, const float *sizes);

#endif
