/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once

/*
 * spread - what many rounds of one measurement come to.
 *
 * Shape     median, least and most
 * Promise   The median of an even number is the mean of the two in the middle. Of no figures all
 *           are 0.
 * Trust     none
 * Threads   one
 * Lifetime  a value
 */
struct spread {
	double median;
	double least;
	double most;
};

/* Sorts the values. */
struct spread spread_of(double *values, unsigned n);
/* Of a[i] / b[i], pair by pair; they stand in a afterwards, sorted. */
struct spread spread_of_ratios(double *a, const double *b, unsigned n);
