/** A guest network whose flows become host sockets. */
@NullMarked
package dev.sluice.gateway;

import org.jspecify.annotations.NullMarked;
