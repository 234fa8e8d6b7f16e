//! Pure domain of Ajar: what is known of an attempt, and what may be done next
