/* SPDX-License-Identifier: Apache-2.0
 *
 * fault - named points where tests make the process fail or die.
 *
 * A build with SW_FAULTS reads the environment once, at the first visit:
 *   STEPWELL_FAULT="NAME[:NTH][,...]"  the NTH (default 1st) visit of NAME kills
 *                                      the process with SIGKILL
 * and tests in process may arm one point to report failure instead. Every other
 * build compiles all of this to nothing. The names stand in fault.def.
 *
 * Threads: any.
 */
#ifndef SW_FAULT_H
#define SW_FAULT_H

#include <stdbool.h>

#ifdef SW_FAULTS
/* True when the point, armed with sw_fault_arm, is to fail now. Does not return
 * when the environment says to die here. */
bool sw_fault_visit(const char *point);
void sw_fault_arm(const char *point, unsigned nth); /* fail its nth visit from now, from 1 */
bool sw_fault_disarm(void);                         /* did the armed point fire? */
#define SW_FAULT(point) sw_fault_visit(point)
#else
#define SW_FAULT(point) false
#endif

#endif
