/** The host seen through one small interface: sockets, resolver settings, routes. */
@NullMarked
package dev.sluice.host;

import org.jspecify.annotations.NullMarked;
