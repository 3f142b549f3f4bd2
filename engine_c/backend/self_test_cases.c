/* self_test_cases: see self_test_cases.h. */
#include "backend/self_test_cases.h"

#include <stddef.h>

static const self_test_case SELF_TEST_CASES[] = {
    {.op = OP_arange, .args = {.start = 3, .step = 2}, .out = {.c = 77}, .dtype = SD_I32},
    {.op = OP_arange, .args = {.start = 0.5f, .step = 0.25f}, .out = {.c = 5}, .dtype = SD_F32},
    {.op = OP_timestep_embedding, .in = {{3, 1, 1, 1}}, .out = {.c = 46}},

    {.op = OP_embedding, .in = {{2, 1, 9, 1}}, .out = {.h = 50, .c = 45}},
    {.op = OP_embedding, .in = {{1, 1, 1, 13}}, .out = {.h = 7, .c = 64}},
    {.op = OP_embedding, .in = {{2, 1, 31, 1}, {1, 1, 5, 45}}, .out = {.h = 9, .c = 45}},

    {.op = OP_add, .in = {{2, 3, 5, 67}, {2, 3, 5, 67}}},
    {.op = OP_add, .in = {{3, 1, 7, 33}, {1, 1, 7, 33}}},

    {.op = OP_activation, .args = {.act = ACT_SILU}, .in = {{2, 3, 5, 67}}, .spread = 15},
    {.op = OP_activation, .args = {.act = ACT_GELU}, .in = {{2, 3, 5, 67}}, .spread = 8},
    {.op = OP_activation, .args = {.act = ACT_QUICK_GELU}, .in = {{2, 3, 5, 67}}, .spread = 15},
    {.op = OP_activation, .args = {.act = ACT_RELU}, .in = {{2, 3, 5, 67}}},
    {.op = OP_activation, .args = {.act = ACT_TANH3}, .in = {{2, 3, 5, 67}}, .spread = 15},
    {.op = OP_cast, .in = {{2, 3, 5, 67}}, .spread = 300},

    {.op = OP_latent_rgb, .in = {{2, 9, 31, 4}, {1, 1, 5, 3}}},

    {.op = OP_layer_norm, .args = {.eps = 1e-5f}, .in = {{2, 1, 5, 77}}},
    {.op = OP_layer_norm, .args = {.eps = 1e-5f}, .in = {{1, 3, 4, 320}}},
    {.op = OP_group_norm, .args = {.groups = 8, .eps = 1e-6f}, .in = {{1, 9, 5, 72}}},
    /* a group that lies on both sides of the border between the sources */
    {.op = OP_group_norm,
     .args = {.groups = 8, .eps = 1e-5f, .act = ACT_SILU},
     .in = {{2, 5, 7, 18}, {2, 5, 7, 14}}},

    {.op = OP_linear, .in = {{2, 1, 13, 40}}, .out = {.c = 24}},
    {.op = OP_linear,
     .args = {.act = ACT_SILU},
     .in = {{3, 1, 1, 45}},
     .out = {.c = 67},
     .has_bias = 1},
    {.op = OP_linear,
     .args = {.act = ACT_QUICK_GELU},
     .in = {{1, 1, 7, 64}},
     .out = {.c = 33},
     .has_bias = 1},
    {.op = OP_linear,
     .args = {.act = ACT_GELU},
     .in = {[IN_X] = {1, 3, 5, 64}, [IN_RESIDUAL] = {1, 3, 5, 33}},
     .out = {.c = 33},
     .has_bias = 1,
     .in_pairs = 1},
    {.op = OP_linear,
     .args = {.act = ACT_GEGLU},
     .in = {{2, 1, 17, 64}},
     .out = {.c = 36},
     .has_bias = 1,
     .in_pairs = 1},
    {.op = OP_linear, .in = {{2, 1, 9, 64}}, .out = {.c = 37}, .weight = SD_Q8_0},
    /* large enough to be cut: many rows of a long sum, and many outputs */
    {.op = OP_linear,
     .in = {[IN_X] = {2, 9, 11, 330}, [IN_RESIDUAL] = {2, 9, 11, 21}},
     .out = {.c = 21}},
    {.op = OP_linear, .in = {{1, 1, 3, 24}}, .out = {.c = 701}, .has_bias = 1},

    /* resnet: skip connection, time embedding, residual */
    {.op = OP_conv2d,
     .args = {.act = ACT_SILU, .stride = 1, .pad = 1},
     .in = {{2, 7, 5, 20}, {2, 7, 5, 12}, {2, 7, 5, 35}, {2, 1, 1, 35}},
     .out = {.h = 7, .w = 5, .c = 35},
     .kernel = 3,
     .has_bias = 1},
    /* stride 2: zeros all round, and after the last row and column only */
    {.op = OP_conv2d,
     .args = {.stride = 2, .pad = 1},
     .in = {{1, 7, 9, 32}},
     .out = {.h = 4, .w = 5, .c = 16},
     .kernel = 3,
     .has_bias = 1,
     .in_pairs = 1},
    {.op = OP_conv2d,
     .args = {.stride = 2},
     .in = {{2, 6, 10, 16}},
     .out = {.h = 3, .w = 5, .c = 16},
     .kernel = 3,
     .has_bias = 1},
    /* enlarged to twice the size, and to one less, where the size below was rounded up */
    {.op = OP_conv2d,
     .args = {.stride = 1, .pad = 1, .upsample = 1},
     .in = {{2, 3, 5, 16}},
     .out = {.h = 6, .w = 10, .c = 24},
     .kernel = 3,
     .has_bias = 1},
    {.op = OP_conv2d,
     .args = {.stride = 1, .pad = 1, .upsample = 1},
     .in = {{1, 5, 3, 16}},
     .out = {.h = 9, .w = 5, .c = 8},
     .kernel = 3},
    /* pixels enough for the channels that bf16 enlarges by phases */
    {.op = OP_conv2d,
     .args = {.stride = 1, .pad = 1, .upsample = 1},
     .in = {{1, 8, 16, 32}},
     .out = {.h = 16, .w = 32, .c = 3},
     .kernel = 3,
     .in_pairs = 1},
    /* the shortcut of a skip connection; a channel add that all pictures share */
    {.op = OP_conv2d,
     .args = {.stride = 1},
     .in = {[IN_X] = {2, 5, 7, 24}, [IN_Y] = {2, 5, 7, 40}, [IN_CHANNEL_ADD] = {1, 1, 1, 33}},
     .out = {.h = 5, .w = 7, .c = 33},
     .kernel = 1,
     .has_bias = 1},
    /* the first and last layers: few channels */
    {.op = OP_conv2d,
     .args = {.act = ACT_RELU, .stride = 1, .pad = 1},
     .in = {{1, 13, 17, 4}},
     .out = {.h = 13, .w = 17, .c = 64},
     .kernel = 3,
     .has_bias = 1},
    {.op = OP_conv2d,
     .args = {.act = ACT_TANH3, .stride = 1, .pad = 1},
     .in = {{1, 13, 17, 64}},
     .out = {.h = 13, .w = 17, .c = 3},
     .kernel = 3,
     .has_bias = 1,
     .in_pairs = 1},

    /* heads of 40, 64, 80 and 160 channels */
    {.op = OP_attention,
     .args = {.heads = 2},
     .in = {{1, 7, 10, 80}, {1, 1, 70, 80}, {1, 1, 70, 80}}},
    {.op = OP_attention,
     .args = {.heads = 2, .causal = 1},
     .in = {{2, 1, 77, 128}, {2, 1, 77, 128}, {2, 1, 77, 128}}},
    {.op = OP_attention,
     .args = {.heads = 1},
     .in = {{4, 3, 5, 80}, {2, 1, 91, 80}, {2, 1, 91, 80}, {1, 1, 1, 2}},
     .in_pairs = 1},
    {.op = OP_attention,
     .args = {.heads = 1},
     .in = {{2, 3, 3, 160}, {1, 1, 9, 160}, {1, 1, 9, 160}}},
    /* scores so far apart, over so many keys, that the running maximum has to move */
    {.op = OP_attention,
     .args = {.heads = 1},
     .in = {{1, 5, 7, 40}, {1, 1, 290, 40}, {1, 1, 290, 40}},
     .spread = 5,
     .in_pairs = 1},
};

const self_test_case *self_test_case_at(int32_t index) {
  const int32_t count = (int32_t)(sizeof SELF_TEST_CASES / sizeof SELF_TEST_CASES[0]);
  return index >= 0 && index < count ? &SELF_TEST_CASES[index] : NULL;
}
