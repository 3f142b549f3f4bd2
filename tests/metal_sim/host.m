#include "host.h"

#import <Foundation/Foundation.h>
#import <Metal/Metal.h>
#include <dispatch/dispatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

struct host {
  id<MTLDevice> device;
  id<MTLCommandQueue> queue;
  id<MTLCommandBuffer> commands;
  id<MTLComputeCommandEncoder> encoder;
};

static void tell(NSError *error, char *text, size_t size) {
  snprintf(text, size, "%s", error ? [[error localizedDescription] UTF8String] : "");
}

host *host_open(void) {
  @autoreleasepool {
    host *host = calloc(1, sizeof *host);
    host->device = MTLCreateSystemDefaultDevice();
    host->queue = [host->device newCommandQueue];
    return host;
  }
}

void host_close(host *host) {
  [host->queue release];
  [host->device release];
  free(host);
}

void *host_compile(host *host, const char *source, int version, char *text, size_t size) {
  @autoreleasepool {
    NSError *error = nil;
    MTLCompileOptions *options = [[[MTLCompileOptions alloc] init] autorelease];
    options.languageVersion = (MTLLanguageVersion)((version / 100 << 16) + version / 10 % 10);
    options.mathMode = MTLMathModeSafe;
    id<MTLLibrary> library = [host->device newLibraryWithSource:@(source)
                                                        options:options
                                                          error:&error];
    tell(error, text, size);
    return library;
  }
}

static MTLFunctionConstantValues *values_of(const host_constant *constants, int count) {
  MTLFunctionConstantValues *values = [[[MTLFunctionConstantValues alloc] init] autorelease];
  for (int i = 0; i < count; i++) {
    bool truth = constants[i].bits != 0;
    const void *value = constants[i].type == 'b' ? (const void *)&truth : &constants[i].bits;
    MTLDataType type = constants[i].type == 'b'   ? MTLDataTypeBool
                       : constants[i].type == 'i' ? MTLDataTypeInt
                       : constants[i].type == 'f' ? MTLDataTypeFloat
                                                  : MTLDataTypeUInt;
    [values setConstantValue:value type:type atIndex:(NSUInteger)constants[i].index];
  }
  return values;
}

void *host_kernel(host *host, void *library, const char *name, const host_constant *constants,
                  int constant_count, char *text, size_t size) {
  @autoreleasepool {
    NSError *error = nil;
    id<MTLFunction> function =
        [(id<MTLLibrary>)library newFunctionWithName:@(name)
                                      constantValues:values_of(constants, constant_count)
                                               error:&error];
    id<MTLComputePipelineState> kernel = nil;
    if (function) kernel = [host->device newComputePipelineStateWithFunction:function error:&error];
    [function release];
    tell(error, text, size);
    return kernel;
  }
}

size_t host_kernel_threads(void *kernel) {
  return [(id<MTLComputePipelineState>)kernel maxTotalThreadsPerThreadgroup];
}

size_t host_kernel_static_bytes(void *kernel) {
  return [(id<MTLComputePipelineState>)kernel staticThreadgroupMemoryLength];
}

void *host_buffer_new(host *host, size_t length, int tracked) {
  MTLResourceOptions tracking =
      tracked ? MTLResourceHazardTrackingModeTracked : MTLResourceHazardTrackingModeUntracked;
  return [host->device newBufferWithLength:length options:MTLResourceStorageModeShared | tracking];
}

void *host_buffer_contents(void *buffer) { return [(id<MTLBuffer>)buffer contents]; }

void host_release(void *object) { [(id)object release]; }

static void open_encoder(host *host, int concurrent) {
  MTLDispatchType type = concurrent ? MTLDispatchTypeConcurrent : MTLDispatchTypeSerial;
  host->encoder = [(id)[host->commands computeCommandEncoderWithDispatchType:type] retain];
}

static void close_encoder(host *host) {
  [host->encoder endEncoding];
  [(id)host->encoder release];
  host->encoder = nil;
}

void host_next_encoder(host *host, int concurrent) {
  @autoreleasepool {
    close_encoder(host);
    open_encoder(host, concurrent);
  }
}

void host_begin(host *host, int concurrent) {
  @autoreleasepool {
    MTLCommandBufferDescriptor *descriptor =
        [[[MTLCommandBufferDescriptor alloc] init] autorelease];
    descriptor.errorOptions = MTLCommandBufferErrorOptionEncoderExecutionStatus;
    host->commands = [(id)[host->queue commandBufferWithDescriptor:descriptor] retain];
    open_encoder(host, concurrent);
  }
}

void host_dispatch(host *host, void *kernel, const host_argument *arguments, int count,
                   const uint32_t *grid_threads, const uint32_t *group_threads) {
  @autoreleasepool {
    [host->encoder setComputePipelineState:(id<MTLComputePipelineState>)kernel];
    for (int i = 0; i < count; i++) {
      const host_argument *a = &arguments[i];
      NSUInteger index = (NSUInteger)a->index;
      if (a->buffer)
        [host->encoder setBuffer:(id<MTLBuffer>)a->buffer offset:a->offset atIndex:index];
      else if (a->bytes)
        [host->encoder setBytes:a->bytes length:a->length atIndex:index];
      else
        [host->encoder setThreadgroupMemoryLength:a->length atIndex:index];
    }
    MTLSize grid = MTLSizeMake(grid_threads[0], grid_threads[1], grid_threads[2]);
    MTLSize group = MTLSizeMake(group_threads[0], group_threads[1], group_threads[2]);
    [host->encoder dispatchThreads:grid threadsPerThreadgroup:group];
  }
}

void host_barrier(host *host) { [host->encoder memoryBarrierWithScope:MTLBarrierScopeBuffers]; }

double host_end(host *host, char *text, size_t size) {
  @autoreleasepool {
    dispatch_semaphore_t done = dispatch_semaphore_create(0);
    __block double seconds = -1;
    close_encoder(host);
    [host->commands addCompletedHandler:^(id<MTLCommandBuffer> commands) {
      tell([commands error], text, size);
      if ([commands status] == MTLCommandBufferStatusCompleted)
        seconds = [commands GPUEndTime] - [commands GPUStartTime];
      dispatch_semaphore_signal(done);
    }];
    [host->commands commit];
    dispatch_semaphore_wait(done, DISPATCH_TIME_FOREVER);
    [host->commands waitUntilCompleted];
    dispatch_release(done);
    [(id)host->commands release];
    host->commands = nil;
    return seconds;
  }
}
