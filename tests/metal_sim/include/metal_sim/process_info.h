/* What Apple's NSProcessInfo has and GNUstep's lacks. The simulator answers with the state that a
   test set (metal_sim.h), nominal at first. */
#pragma once
#import <Foundation/Foundation.h>

typedef enum NSProcessInfoThermalState : NSInteger {
  NSProcessInfoThermalStateNominal,
  NSProcessInfoThermalStateFair,
  NSProcessInfoThermalStateSerious,
  NSProcessInfoThermalStateCritical
} NSProcessInfoThermalState;

@interface NSProcessInfo (MetalSimulator)
@property(readonly) NSProcessInfoThermalState thermalState;
@property(readonly, getter=isLowPowerModeEnabled) BOOL lowPowerModeEnabled;
@end
