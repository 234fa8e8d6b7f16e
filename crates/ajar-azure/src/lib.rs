//! The few Azure Resource Manager calls Ajar makes, and the credentials they are made with
