/* conditioning: from encoded chunks to what the UNet attends to. */
#ifndef SAMPLING_CONDITIONING_H
#define SAMPLING_CONDITIONING_H

#include "sampling/frame.h"

/* Weighs the encoded chunks [chunk_count][77][width] of a prompt in place, token by token, and
 * scales each chunk back to its former mean, as A1111's "Original" emphasis does. A chunk whose
 * weights are all 1 is left as it is. */
void conditioning_weigh(float *encoded, const sd_prompt *prompt, int32_t width);

#endif
