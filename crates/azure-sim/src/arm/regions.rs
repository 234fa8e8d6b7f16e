//! Azure's regions, as `GET /subscriptions/{id}/locations` tells them.

use serde_json::{Value, json};

use crate::arm::route::Scope;

struct Region {
    name: &'static str,
    shown: &'static str,
    geography: &'static str,
    group: &'static str,
    city: &'static str,
    latitude: &'static str,
    longitude: &'static str,
    pair: &'static str,
}

macro_rules! regions {
    ($($name:literal $shown:literal $geography:literal $group:literal $city:literal $latitude:literal $longitude:literal $pair:literal;)+) => {
        const REGIONS: &[Region] = &[$(Region {
            name: $name, shown: $shown, geography: $geography, group: $group, city: $city,
            latitude: $latitude, longitude: $longitude, pair: $pair,
        }),+];
    };
}

regions! {
    "eastus" "East US" "United States" "US" "Virginia" "37.3719" "-79.8164" "westus";
    "eastus2" "East US 2" "United States" "US" "Virginia" "36.6681" "-78.3889" "centralus";
    "westus" "West US" "United States" "US" "California" "37.783" "-122.417" "eastus";
    "westus2" "West US 2" "United States" "US" "Washington" "47.233" "-119.852" "westcentralus";
    "westus3" "West US 3" "United States" "US" "Phoenix" "33.448376" "-112.074036" "eastus";
    "centralus" "Central US" "United States" "US" "Iowa" "41.5908" "-93.6208" "eastus2";
    "northcentralus" "North Central US" "United States" "US" "Illinois" "41.8819" "-87.6278" "southcentralus";
    "southcentralus" "South Central US" "United States" "US" "Texas" "29.4167" "-98.5" "northcentralus";
    "westcentralus" "West Central US" "United States" "US" "Wyoming" "40.89" "-110.234" "westus2";
    "canadacentral" "Canada Central" "Canada" "Canada" "Toronto" "43.653" "-79.383" "canadaeast";
    "canadaeast" "Canada East" "Canada" "Canada" "Quebec" "46.817" "-71.217" "canadacentral";
    "brazilsouth" "Brazil South" "Brazil" "South America" "Sao Paulo State" "-23.55" "-46.633" "southcentralus";
    "northeurope" "North Europe" "Europe" "Europe" "Ireland" "53.3478" "-6.2597" "westeurope";
    "westeurope" "West Europe" "Europe" "Europe" "Netherlands" "52.3667" "4.9" "northeurope";
    "uksouth" "UK South" "United Kingdom" "UK" "London" "50.941" "-0.799" "ukwest";
    "ukwest" "UK West" "United Kingdom" "UK" "Cardiff" "53.427" "-3.084" "uksouth";
    "francecentral" "France Central" "France" "Europe" "Paris" "46.3772" "2.373" "francesouth";
    "germanywestcentral" "Germany West Central" "Germany" "Europe" "Frankfurt" "50.110924" "8.682127" "germanynorth";
    "swedencentral" "Sweden Central" "Sweden" "Europe" "Gävle" "60.67488" "17.14127" "swedensouth";
    "switzerlandnorth" "Switzerland North" "Switzerland" "Europe" "Zurich" "47.451542" "8.564572" "switzerlandwest";
    "norwayeast" "Norway East" "Norway" "Europe" "Norway" "59.913868" "10.752245" "norwaywest";
    "uaenorth" "UAE North" "UAE" "UAE" "Dubai" "25.266666" "55.316666" "uaecentral";
    "southafricanorth" "South Africa North" "South Africa" "Africa" "Johannesburg" "-25.73134" "28.21837" "southafricawest";
    "centralindia" "Central India" "India" "Asia Pacific" "Pune" "18.5822" "73.9197" "southindia";
    "southeastasia" "Southeast Asia" "Asia Pacific" "Asia Pacific" "Singapore" "1.283" "103.833" "eastasia";
    "eastasia" "East Asia" "Asia Pacific" "Asia Pacific" "Hong Kong" "22.267" "114.188" "southeastasia";
    "japaneast" "Japan East" "Japan" "Asia Pacific" "Tokyo, Saitama" "35.68" "139.77" "japanwest";
    "koreacentral" "Korea Central" "Korea" "Asia Pacific" "Seoul" "37.5665" "126.978" "koreasouth";
    "australiaeast" "Australia East" "Australia" "Asia Pacific" "New South Wales" "-33.86" "151.2094" "australiasoutheast";
}

/// All regions of a subscription.
pub(super) fn all(scope: &Scope) -> impl Iterator<Item = Value> {
    let subscription = scope.subscription.clone();
    REGIONS.iter().map(move |region| {
        let id = |name: &str| format!("/subscriptions/{subscription}/locations/{name}");
        json!({
            "id": id(region.name),
            "name": region.name,
            "type": "Region",
            "displayName": region.shown,
            "regionalDisplayName": format!("({}) {}", region.group, region.shown),
            "metadata": {
                "regionType": "Physical",
                "regionCategory": "Recommended",
                "geography": region.geography,
                "geographyGroup": region.group,
                "longitude": region.longitude,
                "latitude": region.latitude,
                "physicalLocation": region.city,
                "pairedRegion": [{ "name": region.pair, "id": id(region.pair) }],
            },
        })
    })
}

/// The names that resources have.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().map(|region| region.name)
}

/// The names that people read, as resource providers list them.
pub(super) fn shown() -> impl Iterator<Item = &'static str> {
    REGIONS.iter().map(|region| region.shown)
}
