/* The plain classes of Metal: options and descriptors. */
#include <string.h>

#include "objects.h"

@implementation MTLCompileOptions
@synthesize preprocessorMacros = _macros;
@synthesize fastMathEnabled = _fastMath;
@synthesize mathMode = _mathMode;
@synthesize mathFloatingPointFunctions = _functions;
@synthesize languageVersion = _version;
- (instancetype)init {
  if ((self = [super init])) {
    _fastMath = YES;
    _mathMode = MTLMathModeFast;
    _version = MTLLanguageVersion3_1;
  }
  return self;
}
- (void)setFastMathEnabled:(BOOL)fast { /* the older name of the same choice */
  _fastMath = fast;
  _mathMode = fast ? MTLMathModeFast : MTLMathModeSafe;
}
- (void)dealloc {
  [_macros release];
  [super dealloc];
}
@end

static NSUInteger size_of_type(MTLDataType type) {
  switch (type) {
    case MTLDataTypeBool:
    case MTLDataTypeChar:
    case MTLDataTypeUChar:
      return 1;
    case MTLDataTypeHalf:
    case MTLDataTypeBFloat:
    case MTLDataTypeShort:
    case MTLDataTypeUShort:
      return 2;
    case MTLDataTypeFloat:
    case MTLDataTypeInt:
    case MTLDataTypeUInt:
      return 4;
    case MTLDataTypeLong:
    case MTLDataTypeULong:
      return 8;
    default:
      return 0;
  }
}

@implementation MTLFunctionConstantValues
- (instancetype)init {
  if ((self = [super init])) _values = [[NSMutableDictionary alloc] init];
  return self;
}
- (void)dealloc {
  [_values release];
  [super dealloc];
}
/* Index to an array of type and bytes. */
- (void)setConstantValue:(const void *)value type:(MTLDataType)type atIndex:(NSUInteger)index {
  NSUInteger size = size_of_type(type);
  sim_need(index < 65536 && size, "setConstantValue: index %lu, type %lu", (unsigned long)index,
           (unsigned long)type);
  NSData *bytes = [NSData dataWithBytes:value length:size];
  NSNumber *kind = [NSNumber numberWithUnsignedLong:type];
  [_values setObject:[NSArray arrayWithObjects:kind, bytes, nil]
              forKey:[NSNumber numberWithUnsignedLong:index]];
}
- (void)reset {
  [_values removeAllObjects];
}
@end

@implementation MTLComputePipelineReflection
@end

@implementation MTLComputePipelineDescriptor
@synthesize label = _label;
@synthesize computeFunction = _function;
@synthesize threadGroupSizeIsMultipleOfThreadExecutionWidth = _multiple;
@synthesize maxTotalThreadsPerThreadgroup = _maxThreads;
- (void)dealloc {
  [_label release];
  [(id)_function release];
  [super dealloc];
}
@end

@implementation MTLCommandBufferDescriptor
@synthesize retainedReferences = _retained;
@synthesize errorOptions = _errors;
- (instancetype)init {
  if ((self = [super init])) _retained = YES;
  return self;
}
@end

@implementation MTLResidencySetDescriptor
@synthesize label = _label;
@synthesize initialCapacity = _capacity;
- (void)dealloc {
  [_label release];
  [super dealloc];
}
@end

@implementation MTLArchitecture
- (NSString *)name {
  return @"applegpu_simulated";
}
@end
