/* SPDX-License-Identifier: ISC
 *
 * version.h - which Siegel this is.
 */
#ifndef BASE_VERSION_H
#define BASE_VERSION_H

#define SIEGEL_VERSION "0.1"

#endif
